"""The commands of the README run as written, in the order in which they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_readme_run_as_written(tmp_path: Path) -> None:
    blocks = BLOCK.findall(README.read_text("utf-8"))
    assert len(blocks) >= 3 and all(block.count("\n") < 10 for block in blocks)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in blocks:
        done = subprocess.run(
            ["bash", "-e", "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=170,
            env=os.environ | {"PATH": path, "HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stderr}"
    assert (tmp_path / "orientation" / "orientation.csv").read_text().startswith("Time [ms],qw")
