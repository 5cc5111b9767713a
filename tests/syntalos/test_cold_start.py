"""What Syntalos grants a module that starts for the first time ever: 10 s, and 15 s to prepare."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from host import Host


@pytest.mark.slow
@pytest.mark.parametrize("node", ["simulated_scope", "stabilise", "background_subtraction"])
def test_a_first_start_is_in_time(node: str, tmp_path: Path) -> None:
    if os.getloadavg()[0] > 1.5:
        pytest.skip(f"the machine is busy (load {os.getloadavg()[0]:.1f}), and time is the point")
    caches = {
        "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode"),
        "NUMBA_CACHE_DIR": str(tmp_path / "kernels"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    with Host(node, tmp_path / "module", environment=caches) as module:
        module.wait_ready(10)
        if "frames-in" in module.inputs:
            module.connect("frames-in", framerate=30.0, size=(608, 608), has_color=False)
        assert module.prepare(timeout_s=15), module.errors
        module.stop()
