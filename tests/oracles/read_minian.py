"""Reads a device folder of the official DAQ software with minian and keeps what it saw.

Run by the python of .venv-minian: read_minian.py DEVICE FRAMES.npy
"""

# What it imports is not in the project's environment, where types are checked.
# pyright: reportMissingImports=false

import sys
from pathlib import Path

import numpy as np
from minian.utilities import load_videos

device, frames = (Path(argument) for argument in sys.argv[1:])
np.save(frames, load_videos(str(device), pattern=r"[0-9]+\.avi$", dtype=np.uint8).values)
