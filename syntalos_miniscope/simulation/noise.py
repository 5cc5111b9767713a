"""Counter-based random numbers: a draw is a function of its key and its number alone.

So frame k needs no frame before it, more cells or another stage change nothing that was there,
and neither threads nor machines matter. Keys are made by name from the seed (`stream`), narrowed
to a cell (`keys`), and used in kernels with a counter.
"""

# Kernels are typed by numba when they are compiled.
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false

from __future__ import annotations

import hashlib
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation.kernel import kernel

Key = np.uint64

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_S12, _LOW12 = np.uint64(12), np.uint64(4095)
_TO_UNIT = 2.0**-53


def _quantiles() -> NDArray[np.float64]:
    """Give the normal distribution at the middles of 4096 equal shares, with unit variance."""
    n = 4096
    half = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n // 2)]
    z = np.array(half + [-value for value in reversed(half)])
    return z / np.sqrt(np.mean(z**2))


QUANTILES = _quantiles()
"""Two independent draws from here, weighed .8 and .6, are a normal deviate (16 million values)."""


def stream(seed: int, *names: str | int) -> Key:
    """Give the key of a named stream of a seed; other names give independent streams."""
    text = "/".join(str(part) for part in (seed, *names))
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()))


@kernel
def bits(key, i):
    """Give 64 random bits: number `i` of a stream (the finalizer of SplitMix64)."""
    x = key + np.uint64(i) * _STEP
    x = (x ^ (x >> _S30)) * _MIX_A
    x = (x ^ (x >> _S27)) * _MIX_B
    return x ^ (x >> _S31)


@kernel
def uniform(key, i):
    """Give a number of [0, 1)."""
    return (bits(key, i) >> _S11) * _TO_UNIT


@kernel
def normal(key, i):
    """Give a standard normal deviate."""
    x = bits(key, i)
    return 0.8 * QUANTILES[x & _LOW12] + 0.6 * QUANTILES[(x >> _S12) & _LOW12]


def branch(key: Key, number: int) -> Key:
    """Give the key of a stream within a stream."""
    return np.uint64(bits(key, number))


@kernel
def keys(key, n):
    """Give the keys (n,) of the members of a stream, such as cells."""
    members = np.empty(n, np.uint64)
    for i in range(n):
        members[i] = bits(key, i)
    return members


@kernel
def uniforms(key, n):
    """Give the first `n` uniform numbers of a stream."""
    draws = np.empty(n)
    for i in range(n):
        draws[i] = uniform(key, i)
    return draws


@kernel
def normals(key, n):
    """Give the first `n` normal deviates of a stream."""
    draws = np.empty(n)
    for i in range(n):
        draws[i] = normal(key, i)
    return draws


@kernel
def each_uniform(keys, i):
    """Give number `i` of each stream, uniform."""
    draws = np.empty(len(keys))
    for k in range(len(keys)):
        draws[k] = uniform(keys[k], i)
    return draws


@kernel
def each_normal(keys, i):
    """Give number `i` of each stream, a normal deviate."""
    draws = np.empty(len(keys))
    for k in range(len(keys)):
        draws[k] = normal(keys[k], i)
    return draws
