"""A recorded movie from frames to answers, offline: what `syntalos-miniscope analyze` does."""

from syntalos_miniscope.analysis.pipeline.configs import (
    ConfigError,
    Configs,
    PostprocessConfig,
    PreprocessConfig,
    ProcessConfig,
    configs_of,
)
from syntalos_miniscope.analysis.pipeline.experiment_tables import TableError, parse_cell
from syntalos_miniscope.analysis.pipeline.miniscope_data import SAVED, MiniscopeDataManager
from syntalos_miniscope.analysis.pipeline.run import MiniscopePipeline

__all__ = [
    "SAVED",
    "ConfigError",
    "Configs",
    "MiniscopeDataManager",
    "MiniscopePipeline",
    "PostprocessConfig",
    "PreprocessConfig",
    "ProcessConfig",
    "TableError",
    "configs_of",
    "parse_cell",
]
