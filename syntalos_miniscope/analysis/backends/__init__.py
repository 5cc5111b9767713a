"""Source extraction and motion correction by other programs, each in an environment of its own."""

from syntalos_miniscope.analysis.backends.asking import (
    MotionCorrected,
    extract,
    motion_correct,
)
from syntalos_miniscope.analysis.backends.child import Progress
from syntalos_miniscope.analysis.backends.environments import (
    BACKENDS,
    BUILT_IN,
    BackendError,
    Installed,
    choose_backend,
    installed,
)

__all__ = [
    "BACKENDS",
    "BUILT_IN",
    "BackendError",
    "Installed",
    "MotionCorrected",
    "Progress",
    "choose_backend",
    "extract",
    "installed",
    "motion_correct",
]
