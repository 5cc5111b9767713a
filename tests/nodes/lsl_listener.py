"""A program of another lab: finds one LSL stream by its id and tells what it hears, as JSON.

It knows nothing of us, and leaves LSL as it is configured.
"""

import json
import sys
from typing import Any

import pylsl

source_id, wanted = sys.argv[1], int(sys.argv[2])
(found,) = pylsl.resolve_byprop("source_id", source_id, timeout=60)
inlet: Any = pylsl.StreamInlet(found)
about = inlet.info(timeout=60)
samples: list[Any] = []
times: list[float] = []
while len(samples) < wanted:
    more, stamps = inlet.pull_chunk(timeout=1.0)
    samples += more
    times += stamps
told = {
    "xml": about.as_xml(),
    "samples": samples,
    "times_s": times,
    "correction_s": inlet.time_correction(60),
}
print(json.dumps(told))
