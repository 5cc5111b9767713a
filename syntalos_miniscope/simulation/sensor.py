"""Photons to counts: shot noise, read noise, gain, floor and clip (minisim, 2.14)."""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation import noise
from syntalos_miniscope.simulation.acquisition import ImageSensor
from syntalos_miniscope.simulation.extras import PixelDefects
from syntalos_miniscope.simulation.kernel import kernel
from syntalos_miniscope.simulation.pyramid import Image
from syntalos_miniscope.simulation.steps import Sensor

Counts = NDArray[np.uint8] | NDArray[np.uint16]

_A, _B, _C = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_16, _13, _8, _4 = np.uint32(16), np.uint32(13), np.uint32(8), np.uint32(4)
_BYTES, _LOW16, _LOW4 = np.uint32(0x00FF00FF), np.uint32(0xFFFF), np.uint32(15)
_LOW32, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_MIDDLE, _HALF_RANGE = np.float32(8167.5), np.float32(2**-13)
_BELL = tuple(np.float32(c) for c in (3.3359, 0.3294, 1.2443, -2.9224, 3.2478))
"""Odd powers that make the sum of four random bytes a normal deviate: a least-squares fit to the
normal quantiles. Moments to the sixth within 1e-3, tails within 10 % to 4 SD."""


class Chip:
    """An image sensor; its noise is a function of its key and the frame's number."""

    def __init__(
        self,
        step: Sensor,
        sensor: ImageSensor,
        key: noise.Key,
        defects: PixelDefects | None = None,
    ) -> None:
        self.sensor = sensor
        self.pixels = defects and Pixels(defects, sensor, noise.branch(key, -1))
        self._key = key
        self._electrons_per_unit = step.photons_per_unit * sensor.quantum_efficiency

    def read(
        self, image: Image, frame: int, light: float, gain: float, exposure_s: float
    ) -> Counts:
        """Give the counts (H, W) of an intensity picture; uint16 above 8 bits.

        `light` multiplies what the LED and the exposure give, `gain` the counts per electron;
        the length of the exposure matters to hot pixels only.
        """
        sensor, pixels = self.sensor, self.pixels
        deep = sensor.bit_depth > 8
        counts = np.empty(image.shape, np.uint16) if deep else np.empty(image.shape, np.uint8)
        electrons = np.float32(self._electrons_per_unit * light)
        variance = np.float32(sensor.read_noise_e**2)
        adu_per_e, most = np.float32(sensor.gain_adu_per_e * gain), np.float32(sensor.max_count)
        key = noise.branch(self._key, frame)
        if pixels is None:
            _read(image.ravel(), key, electrons, variance, adu_per_e, most, counts.ravel())
        else:
            pixels.read(image, key, electrons, variance, adu_per_e, most, exposure_s, counts)
        return counts


class Pixels:
    """Sensor pixels that are not all alike.

    `sensitivity` (H, W) is 1 on average, `offset_e` (H, W) the dark signal without that of hot
    pixels, of which `hot` (H, W) are some.
    """

    def __init__(self, defects: PixelDefects, sensor: ImageSensor, key: noise.Key) -> None:
        shape = sensor.n_px_height, sensor.n_px_width
        n = shape[0] * shape[1]

        def field(number: int) -> Image:
            return noise.normals(noise.branch(key, number), n).reshape(shape).astype(np.float32)

        self.defects = defects
        self.sensitivity = np.maximum(1 + np.float32(defects.prnu) * field(0), np.float32(0))
        self.offset_e = np.float32(defects.dsnu_e) * field(1)
        self.hot = (noise.uniforms(noise.branch(key, 2), n) < defects.hot_share).reshape(shape)
        self._key = noise.branch(key, 3)

    def read(
        self,
        image: Image,
        key: noise.Key,
        electrons: np.float32,
        variance: np.float32,
        adu_per_e: np.float32,
        most: np.float32,
        exposure_s: float,
        counts: Counts,
    ) -> None:
        """Write the counts of a picture."""
        defects = self.defects
        rows = noise.normals(noise.branch(self._key, int(key >> np.uint64(1))), len(image))
        _read_uneven(
            image,
            key,
            electrons * self.sensitivity,
            self.hot * np.float32(defects.hot_e_s * exposure_s),
            self.offset_e + (defects.row_noise_e * rows).astype(np.float32)[:, None],
            variance,
            np.float32(defects.full_well_e or np.inf),
            adu_per_e,
            np.float32(defects.black_level_adu),
            most,
            counts,
        )


@kernel
def _deviate(pixel, first, second):
    """Give the noise of a pixel; 64 bits of key keep frames from having the same noise, shifted."""
    x = np.uint32(np.uint32(pixel * _A) + first)
    x = np.uint32(np.uint32(x ^ (x >> _16)) * _B)
    x = np.uint32(x ^ second)
    early = np.uint32(x ^ (x >> _13))
    x = np.uint32(early * _C)
    x = np.uint32(x ^ (x >> _16))
    pairs = np.uint32((x & _BYTES) + ((x >> _8) & _BYTES))
    total = np.uint32((pairs & _LOW16) + (pairs >> _16))
    # Four bits more, so that counts of many electrons do not come in steps.
    fine = np.int32(np.uint32(total << _4) + (early & _LOW4))
    u = (np.float32(fine) - _MIDDLE) * _HALF_RANGE
    v = u * u
    return u * (_BELL[0] + v * (_BELL[1] + v * (_BELL[2] + v * (_BELL[3] + v * _BELL[4]))))


@kernel
def _read(image, key, electrons, read_variance, gain, most, counts):
    first, second = np.uint32(key & _LOW32), np.uint32(key >> _32)
    zero = np.float32(0)
    for i in range(len(image)):
        z = _deviate(np.uint32(i), first, second)
        mean = max(image[i], zero) * electrons
        value = (mean + np.sqrt(mean + read_variance) * z) * gain
        counts[i] = np.int32(min(max(value, zero), most))


@kernel
def _read_uneven(
    image, key, electrons, dark, offset, read_variance, full_well, gain, black, most, counts
):
    first, second = np.uint32(key & _LOW32), np.uint32(key >> _32)
    height, width = image.shape
    zero = np.float32(0)
    for r in range(height):
        base = np.uint32(r * width)
        for c in range(width):
            z = _deviate(np.uint32(base + np.uint32(c)), first, second)
            mean = max(image[r, c], zero) * electrons[r, c] + dark[r, c]
            held = min(mean + np.sqrt(mean + read_variance) * z, full_well)
            value = (held + offset[r, c]) * gain + black
            counts[r, c] = np.int32(min(max(value, zero), most))
