"""A back end that does at once what its file's name says; it is copied under that name."""

# pyright: reportMissingImports=false

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, os.environ["RUNNERS"])

import numpy as np
from runner_protocol import serve

MODE = Path(__file__).stem


def extract(movie, request, work, tell):
    with open(work / "runs.txt", "a") as runs:
        runs.write(f"{len(movie)}\n")
    tell("looking for cells", 0.25)
    if MODE == "raises":
        raise ValueError("there is\nno light")
    if MODE == "memory":
        raise MemoryError
    if MODE == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if MODE == "silent":
        print("a library is missing", flush=True)
        os._exit(3)
    if MODE == "surroundings":
        assert not {"PYTHONPATH", "VIRTUAL_ENV"} & os.environ.keys()
        assert os.environ["PATH"].startswith(str(Path(sys.executable).parent))
    if MODE == "babble":
        (work / "progress.jsonl").open("a").write('not json\n{"share": 1}\n[]\n')
    if MODE == "waits":
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (work / "pids.txt").write_text(f"{os.getpid()} {helper.pid}")
        tell("waiting", None)
        time.sleep(600)
    frames, height, width = movie.shape
    footprints = np.zeros((3, height, width))
    footprints[0, 2:5, 2:5] = 2.0
    footprints[1, 6:9, 6:9] = 0.5
    traces = np.arange(3 * frames, dtype=np.float64).reshape(3, frames)
    found = {"A": footprints, "C": traces, "S": traces, "raw": traces}
    if MODE == "short":
        found["S"] = traces[:, 1:]
    if MODE == "lacks":
        del found["raw"]
    return found


def correct_motion(movie, request, work, tell):
    corrected = np.lib.format.open_memmap(work / "corrected.npy", "w+", np.float32, movie.shape)
    corrected[:] = movie + np.float32(1)
    corrected.flush()
    return {"shifts": np.ones((len(movie), 2))}


if __name__ == "__main__":
    serve(lambda: "1.0", {"extract": extract, "correct_motion": correct_motion})
