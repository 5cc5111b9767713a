"""How late traces are, counted from the exposure that they were read from."""

import json

import numpy as np

from syntalos_miniscope.node import In, Node
from syntalos_miniscope.streams import FloatSignalBlock


class RoundTrip(Node):
    """Traces in; their lateness into the notes of the run."""

    inputs = (In("traces-in", "Traces", FloatSignalBlock),)

    def prepare(self, ctx):
        self.late_ms: list[float] = []
        self.times_us: list[int] = []

    def on_data(self, ctx, port, item):
        self.times_us.append(int(item.timestamps[0]))
        self.late_ms.append((ctx.clock.now_us() - self.times_us[-1]) / 1000)

    def stop(self, ctx):
        if self.late_ms:
            p50, p99 = np.percentile(self.late_ms, [50, 99])
            told = {"p50_ms": p50, "p99_ms": p99, "results": len(self.late_ms)}
            ctx.note(json.dumps(told | {"in_order": self.times_us == sorted(set(self.times_us))}))
