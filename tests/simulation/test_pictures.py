"""The pictures of the documentation are drawn by code, and none of them is large."""

import sys
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[2] / "docs/gallery"


@pytest.mark.slow
@pytest.mark.parametrize("script", ["draw_ladder", "draw_anatomy", "draw_presets"])
def test_the_pictures_of_the_documentation_are_drawn(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(GALLERY)
    figures, drawing = __import__("figures"), __import__(script)
    monkeypatch.setattr(figures, "HERE", tmp_path)
    for draw in drawing.PICTURES:
        draw()
    drawn = {path.name for path in tmp_path.iterdir()}
    prefix = script.removeprefix("draw_")
    assert drawn == {path.name for path in GALLERY.glob(f"{prefix}-*.png")}
    assert all(path.stat().st_size < 300_000 for path in tmp_path.iterdir())
    del sys.modules["figures"], sys.modules[script]


def test_every_picture_of_a_page_is_there() -> None:
    pages = [*GALLERY.glob("*.md"), GALLERY.parent / "concepts/anatomy.md"]
    shown = {
        name
        for page in pages
        for name in page.read_text().replace("(", "/").split("/")
        if ".png" in name
    }
    assert {name.split(")")[0] for name in shown} == {path.name for path in GALLERY.glob("*.png")}
    assert sum(path.stat().st_size for path in GALLERY.glob("*.png")) < 2_000_000
