"""Rhythms and peaks of a signal, after it was recorded: band, phase, spectrogram, transients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_SAMPLES = 6000
"""Of a window: tapers are eigenvectors, whose cost grows with the cube."""


def band_passed(
    signal: NDArray[Any], rate_hz: float, low_hz: float, high_hz: float, order: int = 2
) -> Floats:
    """Give a signal (sample,) through a Butterworth band-pass, forwards and backwards.

    There and back a filter is without delay, and its gain is squared: so the spectrum is
    multiplied by 1 / (1 + x^2n), x being the distance from the middle of the band over its width
    on the axis of the bilinear transform. The ends are mirrored about their values.
    """
    nyquist_hz = rate_hz / 2
    if not 0 < low_hz < high_hz < nyquist_hz:
        raise ValueError(
            f"a band must lie between 0 and {nyquist_hz:g} Hz, not from {low_hz:g} to {high_hz:g}"
        )
    values = np.asarray(signal, np.float64)
    room = min(len(values) - 1, round(3 * rate_hz / low_hz))
    before = 2 * values[0] - values[room:0:-1]
    after = 2 * values[-1] - values[-2 : -room - 2 : -1]
    long = np.concatenate([before, values, after])
    frequency = np.fft.rfftfreq(len(long), 1 / rate_hz)
    w = np.tan(np.pi * np.minimum(frequency, 0.999999 * nyquist_hz) / rate_hz)
    low, high = np.tan(np.pi * low_hz / rate_hz), np.tan(np.pi * high_hz / rate_hz)
    distance = (w**2 - low * high) / np.maximum((high - low) * w, 1e-30)
    gain = 1 / (1 + np.minimum(np.abs(distance), 1e30) ** (2 * order))
    return np.fft.irfft(np.fft.rfft(long) * gain, len(long))[room : room + len(values)]


def phase(signal: NDArray[Any]) -> Floats:
    """Give the phase (sample,), radians, of a narrow signal: the angle of its analytic one."""
    values = np.asarray(signal, np.float64)
    spectrum = np.fft.fft(values)
    count = len(values)
    keep = np.zeros(count)
    keep[0] = 1
    keep[1 : (count + 1) // 2] = 2
    if count % 2 == 0:
        keep[count // 2] = 1
    return np.angle(np.fft.ifft(spectrum * keep))


@dataclass(frozen=True, slots=True, eq=False)
class Spectrogram:
    """Power in dB of units² / Hz, (window, frequency); `time_s` is the middle of a window."""

    time_s: Floats
    frequency_hz: Floats
    power_db: Floats


def spectrogram(
    signal: NDArray[Any],
    rate_hz: float,
    *,
    window_s: float = 30.0,
    step_s: float = 3.0,
    most_hz: float = 15.0,
    bandwidth: float = 2.0,
    tapers: int = 3,
) -> Spectrogram:
    """Give the multitaper spectrogram (Thomson 1982; Prerau et al. 2017).

    `bandwidth` is the time-half-bandwidth product. Each window is freed of its straight line.
    ValueError if the signal is shorter than a window, the window than the tapers need, or longer
    than 6000 samples.
    """
    values = np.asarray(signal, np.float64)
    length, step = round(window_s * rate_hz), max(round(step_s * rate_hz), 1)
    if len(values) < length:
        raise ValueError(
            f"{len(values) / rate_hz:.1f} s are too short for a spectrogram in windows of "
            f"{window_s:g} s"
        )
    if length <= 2 * bandwidth + 1:
        raise ValueError(
            f"a window of {window_s:g} s holds {length} samples, too few to tell rhythms"
        )
    if length > MOST_SAMPLES:
        raise ValueError(
            f"a window of {window_s:g} s holds {length} samples, more than the {MOST_SAMPLES} "
            f"that tapers are made for"
        )
    begins = np.arange(0, len(values) - length + 1, step)
    windows = np.stack([values[begin : begin + length] for begin in begins])
    time = np.arange(length) - (length - 1) / 2
    slope = windows @ time / (time @ time)
    windows = windows - windows.mean(axis=1, keepdims=True) - slope[:, None] * time
    bins = 1 << (length - 1).bit_length()
    frequency = np.fft.rfftfreq(bins, 1 / rate_hz)
    shown = frequency <= min(most_hz, rate_hz / 2)
    power = np.zeros((len(windows), int(shown.sum())))
    for taper in slepian(length, bandwidth, tapers):
        power += np.abs(np.fft.rfft(windows * taper, bins)[:, shown]) ** 2
    # One-sided: every frequency but 0 and the highest stands for two.
    twice = np.where((frequency == 0) | (frequency == rate_hz / 2), 1, 2)[shown]
    power *= twice / (tapers * rate_hz)
    decibel = 10 * np.log10(np.maximum(power, 1e-300))
    middles = np.asarray((begins + length / 2) / rate_hz, np.float64)
    return Spectrogram(middles, frequency[shown].astype(np.float64), decibel)


def slepian(length: int, bandwidth: float, tapers: int) -> Floats:
    """Give the discrete prolate spheroidal sequences (taper, sample), of unit energy.

    Eigenvectors of the tridiagonal matrix that commutes with the kernel (Slepian 1978).
    """
    at = np.arange(length)
    diagonal = ((length - 1) / 2 - at) ** 2 * np.cos(2 * np.pi * bandwidth / length)
    beside = at[1:] * (length - at[1:]) / 2
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    _, vectors = np.linalg.eigh(matrix)
    found = vectors[:, : -tapers - 1 : -1].T
    # Even ones have a positive mean, odd ones begin by rising, as is the custom.
    signs = [
        taper.sum() if k % 2 == 0 else taper[: length // 2].sum() for k, taper in enumerate(found)
    ]
    return found * np.where(np.array(signs) < 0, -1, 1)[:, None]


def peaks(signal: NDArray[Any], least: float) -> NDArray[np.int64]:
    """Give where a signal (sample,) has a local maximum of at least so much.

    Of a plateau it is the middle, rounded down; the ends are no peaks.
    """
    values = np.asarray(signal, np.float64)
    if len(values) < 3:
        return np.zeros(0, np.int64)
    begins = np.concatenate([[0], np.flatnonzero(np.diff(values) != 0) + 1])
    ends = np.concatenate([begins[1:], [len(values)]]) - 1
    level = values[begins]
    higher = np.zeros(len(begins), np.bool_)
    higher[1:-1] = (level[1:-1] > level[:-2]) & (level[1:-1] > level[2:])
    chosen = higher & (level >= least)
    return ((begins + ends) // 2)[chosen].astype(np.int64)
