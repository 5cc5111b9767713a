"""The picture of a sweep: means in tiles, brighter is better."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from syntalos_miniscope.sweep import picture

AXES = [("na", ["0.2", "0.4", "0.5", "0.6"])]
POINTS: list[picture.Point] = [
    (("0.2",), {"shift_rmse_px": 0.25, "recall": 0.4}, False),
    (("0.2",), {"shift_rmse_px": 0.25, "recall": 0.6}, False),
    (("0.4",), {"shift_rmse_px": 5.0, "recall": None}, False),
    (("0.5",), None, True),
    (("0.6",), None, False),
]


@pytest.fixture
def tiles(monkeypatch: Any) -> list[tuple[float | None, str]]:
    """What is drawn in the tiles of a picture: how good it is, 0 to 1, and the text."""
    drawn: list[tuple[float | None, str]] = []
    monkeypatch.setattr(
        picture, "_tile", lambda _, corner, goodness, text: drawn.append((goodness, text))
    )
    picture.results_picture(AXES, [1, 2], POINTS)
    return drawn


def test_seeds_are_averaged(tiles: list[Any]) -> None:
    assert tiles[0] == (pytest.approx(0.5), "0.50")


def test_a_tile_without_a_figure_says_whether_something_failed(tiles: list[Any]) -> None:
    assert tiles[1:4] == [(None, "-"), (None, "failed"), (None, "-")]


def test_a_small_shift_error_is_good(tiles: list[Any]) -> None:
    of_shifts = tiles[4 * list(picture.PANELS).index("shift_rmse_px") :]
    assert of_shifts[0] == (pytest.approx(0.75), "0.25")
    assert of_shifts[1][0] < 0 and of_shifts[1][1] == "5.00"


def test_better_is_brighter_and_the_picture_is_a_png() -> None:
    png = picture.results_picture(AXES, [1], POINTS)
    assert cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR) is not None
    means = []
    for goodness in (0.0, 0.5, 1.0):
        tile = np.zeros((60, 120, 3), np.uint8)
        picture._tile(tile, (0, 0), goodness, "")
        means.append(float(cv2.cvtColor(tile, cv2.COLOR_BGR2GRAY)[:50, :110].mean()))
    assert means == sorted(means)
