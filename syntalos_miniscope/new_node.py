"""A node folder to start from: it runs, is tested, and stands in the palette at once."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def new_node(name: str, place: Path) -> Path:
    """Make the folder of a new node in a place that is made if need be, and give the folder.

    ValueError if the name is not one of a folder, such as `my_filter`; FileExistsError if there
    is such a folder already.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{name}': a node is called like my_filter: small letters, digits and _")
    folder = place / name
    if folder.exists():
        raise FileExistsError(f"{folder}: is there already")
    folder.mkdir(parents=True)
    title = name.replace("_", " ").title()
    words = {"@NAME@": name, "@TITLE@": title, "@CLASS@": title.replace(" ", "")}
    for file, text in _FILES.items():
        for word, value in words.items():
            text = text.replace(word, value)
        (folder / file.replace("@NAME@", name)).write_text(text, "utf-8")
    return folder


_FILES = {
    "module.toml": """[syntalos_module]
type = "python"
name = "@TITLE@"
description = "Brightens frames."
main = "node.py"
icon = "icon.svg"
categories = ["processing"]
features = ["show-settings"]
use_venv = false
""",
    "node.py": '''"""What the box does, in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from syntalos_miniscope.node import Context, In, Node, Out, Settings, live
from syntalos_miniscope.streams import Frame


class @CLASS@Settings(Settings):
    """The knobs; units stand in the names, bounds and help in the fields."""

    brightness: int = live(20, ge=-255, le=255, description="Counts added to every pixel")
    invert: bool = Field(False, description="Bright becomes dark")


class @CLASS@Node(Node):
    """Takes frames and hands on others."""

    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("frames-out", "Frames", Frame),)
    Settings = @CLASS@Settings

    def prepare(self, ctx: Context) -> None:
        """Say what the frames that leave are like; raise to refuse the run."""
        ctx.describe("frames-out", **ctx.metadata("frames-in"))

    def on_data(self, ctx: Context, port: str, item: Any) -> None:
        """Brighten one frame, of 8 or 16 bits. Frames are read-only: make a new array."""
        depth = item.mat.dtype
        brighter = item.mat + np.int32(self.settings.brightness)
        mat = np.clip(brighter, 0, np.iinfo(depth).max).astype(depth)
        if self.settings.invert:
            mat = np.invert(mat)
        ctx.emit("frames-out", Frame(item.index, item.time_us, mat))
        ctx.count("frames")
''',
    "test_@NAME@.py": '''"""What the box promises; run it with pytest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import Frame

NODE: Any = Catalog.find([Path(__file__).parents[1]]).node("@NAME@")


@pytest.mark.parametrize(
    "mat", [np.full((4, 4), 7, np.uint8), np.full((4, 4, 3), 7, np.uint8)], ids=["grey", "colour"]
)
def test_every_pixel_is_brighter(mat: np.ndarray) -> None:
    script = Script(NODE(NODE.Settings(brightness=5)))
    script.prepare()
    script.start()
    script.feed("frames-in", Frame(0, 0, mat))
    script.stop()
    (frame,) = script.emitted["frames-out"]
    assert isinstance(frame, Frame)
    assert frame.mat.min() == frame.mat.max() == 12
''',
    "icon.svg": """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">
  <rect x="6" y="6" width="36" height="36" rx="6" fill="#4f7fa8"/>
  <circle cx="24" cy="24" r="8" fill="#f6e27a"/>
  <path d="M24 9v4M24 35v4M9 24h4M35 24h4M13 13l3 3M32 32l3 3M13 35l3-3M32 16l3-3"
    stroke="#f6e27a" stroke-width="2.6" stroke-linecap="round"/>
</svg>
""",
}
