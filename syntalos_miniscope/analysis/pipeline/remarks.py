"""What a person should know of how an analysis came about."""

from __future__ import annotations

from syntalos_miniscope.analysis.backends import BUILT_IN
from syntalos_miniscope.analysis.backends.built_in import MOST_CELLS
from syntalos_miniscope.analysis.backends.environments import how_to_set_up
from syntalos_miniscope.analysis.extraction import Extraction
from syntalos_miniscope.analysis.pipeline.configs import Configs


def remarks_on_motion(configs: Configs) -> list[str]:
    """Say so if a back end had to find it in a movie whose constant light was taken away."""
    before, process = configs.preprocess, configs.process
    moved = process.apply_motion_correction and process.motion_correction == "backend"
    if not moved or not (before.df_over_f or before.detrend_method == "linear"):
        return []
    return [
        "the back end looked for motion in a movie without its constant light, which holds little "
        "still; median detrending without DF/F leaves it, and the stabiliser looks before"
    ]


def remarks_on_cells(found: Extraction | None, configs: Configs) -> list[str]:
    """Say so if no back end looked for them, or if there may be more than were looked for."""
    process = configs.process
    if found is None or found.backend != BUILT_IN or process.rois:
        return []
    notes: list[str] = []
    if process.backend is None:
        notes.append(
            f"no back end is set up, so cells are found the built-in way; "
            f"`{how_to_set_up('suite2p')}` sets one up"
        )
    most = configs.extraction.K or MOST_CELLS
    if len(found) >= most:
        notes.append(f"{most} cells were found, as many as were looked for; K says how many")
    return notes
