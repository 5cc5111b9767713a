"""A place on disk that one process makes and another one writes to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from syntalos_miniscope.recording.edl import DatasetFolder, ExperimentDir


def offer(experiment: ExperimentDir, name: str) -> dict[str, str]:
    """Make a dataset in the folder of a run, and say what is to be known of it."""
    made = experiment.dataset(name)
    return {
        "path": str(made.path),
        "collection_id": made.collection_id,
        "created": experiment.started.isoformat(),
    }


def accept(offered: Mapping[str, str]) -> DatasetFolder:
    """Give the dataset that was made."""
    return DatasetFolder(
        Path(offered["path"]),
        collection_id=offered["collection_id"],
        created=datetime.fromisoformat(offered["created"]),
    )
