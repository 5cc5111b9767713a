"""The soak itself works: a few seconds of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_short_soak_holds_and_says_so() -> None:
    script = Path(__file__).with_name("soak.py")
    call = [sys.executable, str(script), "--seconds", "20", "--seed", "4"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("holds") > 20 and "BROKEN" not in done.stdout
