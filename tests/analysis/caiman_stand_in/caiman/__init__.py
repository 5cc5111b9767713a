"""A stand-in with CaImAn's names, signatures and conventions, and none of its mathematics.

It takes what CaImAn from 1.9 on takes, and nothing else: a movie that is no memory map, or one in
another order of pixels, is an error here. How its parameters are told has changed; see params.py.
"""

import os

import numpy as np

__version__ = "1.13.2"


def load_memmap(filename):
    """Give pixels x frames, dims and the number of frames, as the file's name says first."""
    stem, suffix = os.path.splitext(os.path.basename(filename))
    assert suffix == ".mmap"
    parts = stem.split("_")
    told = {name: parts[parts.index(name) + 1] for name in ("d1", "d2", "d3", "order", "frames")}
    height, width, frames = int(told["d1"]), int(told["d2"]), int(told["frames"])
    assert told["d3"] == "1"
    pixels = np.memmap(
        filename, np.float32, "r", shape=(height * width, frames), order=told["order"]
    )
    return pixels, (height, width), frames


def images_of(filename):
    """Give the movie (frame, H, W) of a memory map, as CaImAn's demos do."""
    pixels, dims, frames = load_memmap(filename)
    return np.reshape(pixels.T, [frames, *dims], order="F")
