"""How long traces take from the frame that they were read from."""

import json

import numpy as np

from syntalos_miniscope.node import In, Node
from syntalos_miniscope.streams import FloatSignalBlock, Frame


class RoundTrip(Node):
    """Frames of the scope beside it, and the traces that came back; times into the run's notes.

    `p50_ms` counts from the moment the scope gave the frame, `from_exposure_ms` from its exposure.
    """

    inputs = (
        In("frames-in", "Frames", Frame),
        In("traces-in", "Traces", FloatSignalBlock),
    )

    def prepare(self, ctx):
        self.given_us: dict[int, int] = {}
        self.trips_ms: list[float] = []
        self.late_ms: list[float] = []
        self.times_us: list[int] = []

    def on_data(self, ctx, port, item):
        now_us = ctx.clock.now_us()
        if port == "frames-in":
            self.given_us[item.time_us] = now_us
            return
        time_us = int(item.timestamps[0])
        self.times_us.append(time_us)
        self.trips_ms.append((now_us - self.given_us.pop(time_us)) / 1000)
        self.late_ms.append((now_us - time_us) / 1000)

    def stop(self, ctx):
        if self.trips_ms:
            p50, p99 = np.percentile(self.trips_ms, [50, 99])
            told = {"p50_ms": p50, "p99_ms": p99, "from_exposure_ms": np.median(self.late_ms)}
            told |= {"results": len(self.times_us)}
            ctx.note(json.dumps(told | {"in_order": self.times_us == sorted(set(self.times_us))}))
