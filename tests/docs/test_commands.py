"""Every command and option that the docs name is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from syntalos_miniscope.cli.commands import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
SPAN = re.compile(r"`(syntalos-miniscope [^`]+)`|^\s*(syntalos-miniscope .+)$", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def named(page: Path) -> list[str]:
    """Give the command lines of a page, each in one line."""
    text = page.read_text("utf-8").replace("\\\n", " ")
    return [" ".join((one or other).split()) for one, other in SPAN.findall(text)]


@pytest.mark.parametrize("page", [p for p in PAGES if named(p)], ids=lambda p: p.stem)
def test_what_a_page_tells_to_type_is_understood(page: Path) -> None:
    for line in named(page):
        command: Any = typer.main.get_command(app)
        words = line.split(" # ")[0].split()[1:]
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            assert words[0] in command.commands, f"{page.name}: {line}"
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        known |= {option for parameter in command.params for option in parameter.secondary_opts}
        for option in OPTION.findall(" ".join(words)):
            assert option in known | {"--help"}, f"{page.name}: {line}"
