"""Where cells are worked on: processes of this computer, or whatever dask reaches."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from syntalos_miniscope.sweep.grid import GridError

THREAD_SETTINGS = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
"""Read by libraries when they are loaded, so they must be set before a worker begins."""


@contextmanager
def process_pool(workers: int) -> Generator[Executor]:
    """Give processes of this computer, which share its cores and end with this one.

    They end at once, in the middle of a cell, when the pool is left with an error or this process
    is killed. A script that opens a pool must guard its own start with `if __name__ ==
    "__main__"`, as each worker loads it.
    """
    threads = max((os.cpu_count() or 1) // workers, 1)
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(threads)))
    # A fork would copy the locks of the threads that numba and OpenCV have here.
    context = get_context("spawn")
    heard, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(heard, threads)
    )
    try:
        yield pool
    except BaseException:
        held.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        heard.close()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin(heard: Connection, threads: int) -> None:
    """Set up a worker: Ctrl-C is for the one who waits, and the end of that one is ours."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(threads)
    Thread(target=_end_with, args=[heard], daemon=True).start()


def _end_with(heard: Connection) -> None:
    try:
        heard.recv()
    except (EOFError, OSError):
        os._exit(1)


@contextmanager
def dask_pool(address: str) -> Generator[tuple[Executor, int]]:
    """Give the workers of a dask scheduler and how many tasks they take at a time.

    They need this program, and the output folder under the same path. GridError if there is no
    scheduler, or dask is not installed.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise GridError("--dask needs the extra: pip install 'syntalos-miniscope[dask]'") from error
    try:
        client: Any = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise GridError(
            f"--dask {address}: no scheduler answers there; give one such as tcp://host:8786"
        ) from error
    try:
        yield client.get_executor(pure=False), max(sum(client.nthreads().values()), 1)
    finally:
        client.close()
