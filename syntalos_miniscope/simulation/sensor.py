"""Photons to counts: shot noise, read noise, gain, floor and clip (minisim, 2.14)."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.acquisition import ImageSensor
from syntalos_miniscope.simulation.noise import QUANTILES
from syntalos_miniscope.simulation.pyramid import Image
from syntalos_miniscope.simulation.steps import Sensor

Counts = NDArray[np.uint8] | NDArray[np.uint16]

_NEAR = (0.8 * QUANTILES).astype(np.float32)
_FAR = (0.6 * QUANTILES).astype(np.float32)
_A, _B, _C = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_16, _13, _15, _12 = np.uint32(16), np.uint32(13), np.uint32(15), np.uint32(12)
_LOW12, _LOW32, _32 = np.uint32(4095), np.uint64(0xFFFFFFFF), np.uint64(32)


class Chip:
    """An image sensor; its noise is a function of its key and the frame's number."""

    def __init__(self, step: Sensor, sensor: ImageSensor, key: noise.Key) -> None:
        self.sensor = sensor
        self._key = key
        self._electrons_per_unit = step.photons_per_unit * sensor.quantum_efficiency

    def read(self, image: Image, frame: int, light: float = 1.0, gain: float = 1.0) -> Counts:
        """Give the counts (H, W) of an intensity picture; uint16 above 8 bits.

        `light` multiplies what the LED and the exposure give, `gain` the counts per electron.
        """
        deep = self.sensor.bit_depth > 8
        counts = np.empty(image.shape, np.uint16) if deep else np.empty(image.shape, np.uint8)
        _read(
            image,
            noise.branch(self._key, frame),
            np.float32(self._electrons_per_unit * light),
            np.float32(self.sensor.read_noise_e**2),
            np.float32(self.sensor.gain_adu_per_e * gain),
            np.float32(self.sensor.max_count),
            counts,
        )
        return counts


@njit(cache=True, nogil=True)
def _read(image, key, electrons, read_variance, gain, most, counts):
    first = np.uint32(key & _LOW32)
    second = np.uint32(key >> _32)
    height, width = image.shape
    zero = np.float32(0)
    for r in range(height):
        line, out = image[r], counts[r]
        base = np.uint32(r * width)
        for c in range(width):
            x = np.uint32(np.uint32(np.uint32(base + np.uint32(c)) * _A) + first)
            x = np.uint32(np.uint32(x ^ (x >> _16)) * _B)
            x = np.uint32(x ^ second)
            x = np.uint32(np.uint32(x ^ (x >> _13)) * _C)
            x = np.uint32(x ^ (x >> _16))
            z = _NEAR[x & _LOW12] + _FAR[(x >> _12) & _LOW12]
            mean = max(line[c], zero) * electrons
            value = (mean + np.sqrt(mean + read_variance) * z) * gain
            out[c] = np.int32(min(max(value, zero), most))
