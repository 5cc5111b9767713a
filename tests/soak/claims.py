"""What a soak claims, and what the process is like meanwhile."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from threading import Event, Thread

SAMPLE_EVERY_S = 1.0
GROWTH_MB = 40.0
"""Of the memory, from the second quarter of a run to its last: what is called flat."""


class Claims:
    """What is claimed, and whether it held."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, bool | None]] = []

    def add(self, what: str, found: str, holds: bool | None = None) -> None:
        self.rows.append((what, found, holds))

    def same(self, what: str, one: int, other: int) -> None:
        self.add(what, f"{one} = {other}" if one == other else f"{one}, not {other}", one == other)

    def show(self) -> bool:
        for what, found, holds in self.rows:
            mark = {True: "holds", False: "BROKEN", None: ""}[holds]
            print(f"{what:52} {found:44} {mark}")
        return all(holds is not False for _, _, holds in self.rows)


class Watch:
    """Samples the memory, threads and open files of this process while a run goes on."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, int, int]] = []
        self._ended = Event()
        self._thread = Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_EVERY_S):
            status = dict(
                line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
            )
            files = sum(1 for _ in Path("/proc/self/fd").iterdir())
            memory_mb = int(status["VmRSS"].split()[0]) / 1e3
            self.samples.append((memory_mb, int(status["Threads"]), files))

    def claim(self, claims: Claims, run: str) -> None:
        quarter = max(len(self.samples) // 4, 1)
        early, late = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        for k, (name, most) in enumerate((("memory, MB", GROWTH_MB), ("threads", 0), ("files", 0))):
            before = median(sample[k] for sample in early or late)
            after = median(sample[k] for sample in late)
            found = f"{before:.0f} in the 2nd quarter, {after:.0f} in the last"
            claims.add(f"{run}: {name}", found, after - before <= most)
