"""Everything that an analysis leaves in its folder once it is whole."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

from syntalos_miniscope.analysis.pipeline.estimates import save_hdf5, write_table
from syntalos_miniscope.analysis.pipeline.page import Shown, page
from syntalos_miniscope.analysis.pipeline.postprocess import save_postprocessing
from syntalos_miniscope.analysis.pipeline.preprocessing import Crop
from syntalos_miniscope.analysis.pipeline.steps import LAST, Steps, stamp, write_text
from syntalos_miniscope.analysis.rois import save_rois
from syntalos_miniscope.recording.recorded import Recording

PARAMETERS, REPORT, ROIS, COMPONENTS = "parameters.json", "report.html", "rois.json", "cells.csv"
OPTS_CAIMAN = "opts_caiman.json"


def write_outputs(
    steps: Steps, shown: Shown, recording: Recording, coords: Crop | None
) -> dict[str, Path]:
    """Write cells, events, rhythms, settings and the report; give where some of them are.

    `estimates` and `opts_caiman` are there if they were asked for, and h5py is installed.
    """
    steps.begin(LAST)
    folder, process = steps.folder, shown.configs.process
    names = save_postprocessing(folder, shown.rhythm, shown.prepared)
    given: dict[str, Path] = {}
    if shown.extraction is not None and shown.evaluation is not None:
        save_rois(shown.extraction.kept(shown.evaluation.accepted).rois(), folder / ROIS)
        _write_cells(folder / COMPONENTS, shown)
        names += [ROIS, COMPONENTS]
        estimates = folder / process.save_CNMFE_estimates_filename
        if process.save_estimates and save_hdf5(
            estimates, shown.extraction, shown.evaluation, shown.frame_rate_hz
        ):
            given["estimates"] = estimates
        if process.save_CNMFE_params:
            given["opts_caiman"] = folder / OPTS_CAIMAN
            told = shown.configs.extraction.model_dump(mode="json")
            write_text(folder / OPTS_CAIMAN, json.dumps(told, indent=1) + "\n")
    write_text(folder / PARAMETERS, _parameters(shown, recording, coords))
    write_text(folder / REPORT, page(shown))
    names += [PARAMETERS, REPORT, *(path.name for path in given.values())]
    steps.finish(LAST, stamp(), names)
    return given


def _write_cells(path: Path, shown: Shown) -> None:
    """Write a row for each cell; accepted ones are numbered as in events and regions."""
    assert shown.extraction is not None and shown.evaluation is not None
    judged, events = shown.evaluation, shown.rhythm.ca_events_idx or {}
    number = np.where(judged.accepted, np.cumsum(judged.accepted), 0)
    centers = [
        np.average(np.indices(patch.shape).reshape(2, -1), 1, patch.ravel()) + np.array([top, left])
        for top, left, patch in shown.extraction.footprints
    ]
    row_column = np.array(centers).reshape(-1, 2)
    write_table(
        path,
        ["Component", "Cell", "X [px]", "Y [px]", "SNR", "Spatial r", "Events"],
        [
            np.arange(1, len(judged.snr) + 1),
            number,
            *np.round(row_column[:, ::-1].T, 2),
            np.round(judged.snr, 3),
            np.round(judged.r, 4),
            np.array([len(events.get(int(k) - 1, ())) for k in number], np.int64),
        ],
    )


def _parameters(shown: Shown, recording: Recording, coords: Crop | None) -> str:
    """Say how the results came about."""
    configs = shown.configs
    told = {
        "syntalos-miniscope": version("syntalos-miniscope"),
        "recording": str(recording.path),
        "frame_rate_hz": shown.frame_rate_hz,
        "crop_coords": coords,
        "extracted_by": shown.extraction.backend if shown.extraction is not None else None,
        "preprocess": configs.preprocess.model_dump(mode="json"),
        "process": configs.process.model_dump(mode="json"),
        "postprocess": configs.postprocess.model_dump(mode="json"),
        "extraction": configs.extraction.model_dump(mode="json"),
        "notes": shown.notes,
    }
    return json.dumps(told, indent=1) + "\n"
