"""The same ticker, with hardware that cannot wait: it gets a process of its own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

NAME = "node_ticker_of_the_tests"
if NAME not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        NAME, Path(__file__).parents[1] / "ticker" / "node.py"
    )
    assert spec is not None and spec.loader is not None
    sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[NAME])

ticker: Any = sys.modules[NAME].Ticker


class TickerProcess(ticker):
    """Ticks in a process of its own."""

    own_process = True
