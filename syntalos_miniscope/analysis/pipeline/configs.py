"""What the three stages of the pipeline are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from syntalos_miniscope.analysis.extraction import ExtractionParameters
from syntalos_miniscope.analysis.pipeline.preprocessing import Crop, Detrending, Relative

SHORT = {
    "df_over_f_method": "method",
    "filter_miniscope_data": "filter_data",
    "compute_miniscope_spectrogram": "spectrogram",
}
"""Columns that may stand for a setting by a shorter name."""


class PreprocessConfig(BaseModel):
    """Crop, detrending, and change over the baseline."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    crop: bool = True
    """Whether to crop, by `crop_coords` or by asking; False: the whole frame."""
    crop_coords: Crop | None = None
    """(x0, y0, x1, y1), px, y counted from the bottom."""
    detrend_method: Detrending | None = "median"
    df_over_f: bool = False
    secs_window: float = Field(default=5, gt=0)
    """Length of the windows in which the baseline is looked for, s."""
    quantile_min: float = Field(default=8, ge=0, le=100)
    """Which percentile of a window is the baseline."""
    df_over_f_method: Relative = "delta_f_over_sqrt_f"


class ProcessConfig(BaseModel):
    """Motion correction and source extraction."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    apply_motion_correction: bool = True
    motion_correction: Literal["stabiliser", "backend"] = "stabiliser"
    """Our own stabiliser, or the back end's: piecewise-rigid if `pw_rigid`, else rigid."""
    inspect_motion_correction: bool = True
    """Pictures of the movie before and after, in the report."""
    plot_params: bool = True
    """Pictures by which gSig, min_corr and min_pnr are chosen, in the report."""
    run_CNMFE: bool = True  # noqa: N815 - the column's name
    """Whether to extract cells."""
    backend: str | None = None
    """Which back end extracts; None: the first that is set up, else the built-in."""
    rois: Path | None = None
    """A file of regions whose traces are read, instead of looking for cells: built-in only."""
    save_estimates: bool = True
    save_CNMFE_estimates_filename: str = Field(  # noqa: N815
        default="estimates.hdf5", pattern=r"^[^/\\]+\.hdf5$"
    )
    save_CNMFE_params: bool = False  # noqa: N815
    """Write `opts_caiman.json`: what the back end was told."""
    keep_movie: bool = False
    """Keep the motion-corrected movie, float32, `motion_corrected.npy`."""


class PostprocessConfig(BaseModel):
    """Evaluation of the cells, events, and the rhythm of the mean fluorescence."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    evaluate_components: bool = True
    """Whether cells below `min_SNR` or `rval_thr` are rejected."""
    remove_components_with_gui: bool = True
    """Whether a person reviews the cells, unless headless."""
    find_calcium_events: bool = True
    derivative_for_estimates: Literal["zeroth", "first", "second"] = "first"
    """Of which derivative of a trace the peaks are events."""
    event_height: float = 5
    """Least height of a peak, in units of the movie a frame."""
    compute_miniscope_phase: bool = True
    filter_miniscope_data: bool = True
    n: int = Field(default=2, ge=1, le=10)
    """Order of the band-pass."""
    cut: tuple[float, float] = (0.1, 1.5)
    """The band, Hz."""
    ftype: Literal["butter"] = "butter"
    btype: Literal["bandpass"] = "bandpass"
    inline: bool = False
    """Whether the filtered signal takes the place of the mean fluorescence."""
    compute_miniscope_spectrogram: bool = True
    window_length: float = Field(default=30, gt=0)
    """s."""
    window_step: float = Field(default=3, gt=0)
    """s."""
    freq_lims: tuple[float, float] = (0, 15)
    """Hz."""
    time_bandwidth: float = Field(default=2, ge=1)
    """Time-half-bandwidth product; there are twice as many tapers, less one."""

    @field_validator("cut", "freq_lims")
    @classmethod
    def _rising(cls, band: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= band[0] < band[1]:
            raise ValueError("a band is (low, high), Hz")
        return band


@dataclass(frozen=True, slots=True)
class Configs:
    """All that the pipeline is told."""

    preprocess: PreprocessConfig
    process: ProcessConfig
    postprocess: PostprocessConfig
    extraction: ExtractionParameters


class ConfigError(ValueError):
    """A setting that cannot be: the `name` of the option or column, and `why`."""

    def __init__(self, name: str, why: str, value: Any) -> None:
        super().__init__(f"{name}: {why}, not {value!r}")
        self.name = name
        self.why = why


Model = TypeVar("Model", bound=BaseModel)


def configs_of(row: Mapping[str, Any], options: Mapping[str, Any]) -> Configs:
    """Give what the columns of a table say, and over it the options of a call, by name.

    Other columns are left alone. ConfigError, in one line, for a value that cannot be, or an
    option that there is not.
    """
    kinds = (PreprocessConfig, ProcessConfig, PostprocessConfig, ExtractionParameters)
    known = {name for kind in kinds for name in kind.model_fields}
    for name in options:
        if name not in known:
            raise ConfigError(name, "there is no such setting", options[name])
    return Configs(
        config_of(PreprocessConfig, row, options),
        config_of(ProcessConfig, row, options),
        config_of(PostprocessConfig, row, options),
        config_of(ExtractionParameters, row, options),
    )


def config_of(kind: type[Model], row: Mapping[str, Any], options: Mapping[str, Any]) -> Model:
    """Give one stage's settings. None in a column is the default, where None means nothing."""
    given: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        column = name if name in row else SHORT.get(name, name)
        if name in options:
            given[name] = options[name]
        elif column in row and (
            row[column] is not None or type(None) in get_args(field.annotation)
        ):
            given[name] = row[column]
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        column = name if name in row or name in options else SHORT.get(name, name)
        why = (
            "too few values"
            if first["type"] == "missing"
            else first["msg"].removeprefix("Value error, ")
        )
        raise ConfigError(column, why, given.get(name)) from error
