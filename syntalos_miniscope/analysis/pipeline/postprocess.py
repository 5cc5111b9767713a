"""Events of the cells, and the rhythm of the mean fluorescence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.extraction import Extraction
from syntalos_miniscope.analysis.pipeline.configs import PostprocessConfig
from syntalos_miniscope.analysis.pipeline.estimates import write_table
from syntalos_miniscope.analysis.pipeline.prepare import Prepared
from syntalos_miniscope.analysis.pipeline.results import PostprocessingResult, Projections
from syntalos_miniscope.analysis.pipeline.rhythms import (
    Spectrogram,
    band_passed,
    peaks,
    phase,
    spectrogram,
)

Floats = NDArray[np.float64]

DERIVATIVES = {"zeroth": 0, "first": 1, "second": 2}
EVENTS, RHYTHM, SPECTROGRAM = "events.csv", "mean_fluorescence.csv", "spectrogram.npz"


def postprocess(
    extraction: Extraction | None,
    prepared: Prepared,
    frame_rate_hz: float,
    config: PostprocessConfig,
    notes: list[str],
) -> PostprocessingResult:
    """Give events and rhythms; what cannot be had is noted and left out.

    The signal is the mean of each frame of the cropped recording before detrending, which would
    take it away. Where frames were dropped it is drawn out linearly, so that samples are even.
    """
    mean = prepared.means
    events = None
    if extraction is not None and config.find_calcium_events:
        events = calcium_events(
            extraction.traces, config.derivative_for_estimates, config.event_height
        )
        if len(extraction) and not any(len(places) for places in events.values()):
            notes.append(_none_so_high(extraction.traces, config))
    signal, filtered, phases, seen = mean, None, None, None
    place = prepared.index - prepared.index[0]
    even = np.interp(np.arange(place[-1] + 1), place, mean)
    try:
        if config.compute_miniscope_spectrogram:
            seen = _spectrogram(even, frame_rate_hz, config)
    except ValueError as error:
        notes.append(f"no spectrogram: {error}")
    try:
        if config.filter_miniscope_data or config.compute_miniscope_phase:
            band = band_passed(even, frame_rate_hz, *config.cut, config.n)
            if config.compute_miniscope_phase:
                phases = phase(band)[place]
            if config.filter_miniscope_data:
                filtered = band[place]
    except ValueError as error:
        notes.append(f"no band-pass and no phase: {error}")
    if config.inline and filtered is not None:
        signal = filtered
    return PostprocessingResult(
        projections=Projections(time=signal, mean=prepared.mean),
        ca_events_idx=events,
        PSD_spect=None if seen is None else 10 ** (seen.power_db.T / 10),
        t_spect=None if seen is None else seen.time_s,
        freqs_spect=None if seen is None else seen.frequency_hz,
        p_spect=None if seen is None else seen.power_db.T,
        miniscope_phases=phases,
        filtered=filtered,
    )


def calcium_events(
    traces: NDArray[np.float32], derivative: str, height: float
) -> dict[int, NDArray[np.int64]]:
    """Give, for each trace of (cell, frame), where its derivative has peaks of a height or more.

    Places are those of `numpy.diff`: a rise from frame n to n + 1 is a peak at n.
    """
    order = DERIVATIVES[derivative]
    return {
        cell: peaks(np.diff(np.asarray(trace, np.float64), order), height)
        for cell, trace in enumerate(traces)
    }


def _none_so_high(traces: NDArray[np.float32], config: PostprocessConfig) -> str:
    rises = np.diff(traces, DERIVATIVES[config.derivative_for_estimates], axis=1)
    highest = float(rises.max()) if rises.size else 0.0
    return (
        f"no event: the {config.derivative_for_estimates} derivative of the traces reaches "
        f"{highest:.3g}, not event_height {config.event_height:g}"
    )


def save_postprocessing(folder: Path, found: PostprocessingResult, prepared: Prepared) -> list[str]:
    """Write the tables, and give their names."""
    time_s = prepared.time_us / 1e6
    names = [RHYTHM]
    header, columns = ["Time [s]", "Mean [counts]"], [time_s, np.round(prepared.means, 6)]
    if found.filtered is not None:
        header.append("Band-passed [counts]")
        columns.append(np.round(found.filtered, 6))
    if found.miniscope_phases is not None:
        header.append("Phase [rad]")
        columns.append(np.round(found.miniscope_phases, 6))
    write_table(folder / RHYTHM, header, columns)
    if found.ca_events_idx is not None:
        pairs = [(k, at) for k, places in found.ca_events_idx.items() for at in places]
        cells, frames = np.array(pairs, np.int64).reshape(-1, 2).T
        order = np.lexsort((cells, frames))
        cells, frames = cells[order], frames[order]
        write_table(
            folder / EVENTS, ["Time [s]", "Cell", "Frame"], [time_s[frames], cells + 1, frames]
        )
        names.append(EVENTS)
    if found.p_spect is not None:
        np.savez_compressed(
            folder / SPECTROGRAM,
            power_db=found.p_spect,
            time_s=_there(found.t_spect),
            frequency_hz=_there(found.freqs_spect),
        )
        names.append(SPECTROGRAM)
    return names


def _spectrogram(signal: Floats, rate_hz: float, config: PostprocessConfig) -> Spectrogram:
    seen = spectrogram(
        signal,
        rate_hz,
        window_s=config.window_length,
        step_s=config.window_step,
        most_hz=config.freq_lims[1],
        bandwidth=config.time_bandwidth,
        tapers=max(int(2 * config.time_bandwidth) - 1, 1),
    )
    shown = seen.frequency_hz >= config.freq_lims[0]
    if not shown.any():
        low, high = config.freq_lims
        raise ValueError(f"no frequency from {low:g} to {high:g} Hz can be told at {rate_hz:g} Hz")
    return Spectrogram(seen.time_s, seen.frequency_hz[shown], seen.power_db[:, shown])


def _there(values: Floats | None) -> Floats:
    return np.zeros(0) if values is None else values
