"""Display frames against the equations they are promised to follow."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from syntalos_miniscope.display import Display, DisplaySettings, rotation

rng = np.random.default_rng(1)
MOVIE = rng.integers(0, 256, (12, 20, 30), dtype=np.uint8)


def u8(values: np.ndarray) -> np.ndarray:
    """OpenCV's saturate_cast: round half to even, then clip."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def test_f_minus_f0_is_pomidaqs_but_starts_with_the_first_frame() -> None:
    display = Display(DisplaySettings(view="F - F0", background_alpha=0.1))
    acc = MOVIE[0].astype(np.float32) / 255
    for frame in MOVIE:
        acc = np.float32(0.9) * acc + np.float32(0.1) * (frame / np.float32(255))
        expected = u8(frame.astype(float) - u8(acc * 255))
        # float32 sums in another order may round the background the other way.
        assert np.abs(display(frame).astype(int) - expected).max() <= 1


def test_the_first_frame_minus_its_background_is_dark() -> None:
    assert Display(DisplaySettings(view="F - F0"))(MOVIE[0]).max() == 0


def test_the_background_goes_on_in_every_view() -> None:
    display = Display(DisplaySettings(view="raw", background_alpha=0.5))
    for frame in MOVIE:
        display(frame)
    switched = display.settings.model_copy(update={"view": "F - F0"})
    display.apply(switched)
    straight = Display(switched)
    for frame in MOVIE:
        straight(frame)
    np.testing.assert_array_equal(display(MOVIE[3]), straight(MOVIE[3]))


def test_df_over_f_is_relative_to_the_background() -> None:
    display = Display(DisplaySettings(view="dF/F", background_alpha=1e-9, dff_max_percent=100))
    display(np.full((4, 4), 100, np.uint8))
    shown = display(np.full((4, 4), 125, np.uint8))
    assert shown[0, 0] == round(255 * 25 / 101)


def test_the_display_range_maps_its_ends_to_black_and_white() -> None:
    display = Display(DisplaySettings(display_min=50, display_max=150))
    shown = display(np.array([[0, 50, 110, 150, 255]], np.uint8))
    assert shown.tolist() == [[0, 0, 153, 255, 255]]


def test_raw_with_the_full_range_is_unchanged() -> None:
    np.testing.assert_array_equal(Display(DisplaySettings())(MOVIE[0]), MOVIE[0])


def test_saturated_pixels_are_red_whatever_the_view() -> None:
    frame = np.full((8, 8), 100, np.uint8)
    frame[2, 3], frame[2, 4] = 253, 252  # 0.99 of full scale is 252.45
    for view in ("raw", "F - F0", "dF/F"):
        shown = Display(DisplaySettings.model_validate({"view": view, "show_saturation": True}))(
            frame
        )
        assert shown.shape == (8, 8, 3) and shown[2, 3].tolist() == [0, 0, 255]
        assert shown[0, 0].tolist() != [0, 0, 255] != shown[2, 4].tolist()


@pytest.mark.parametrize("lut", ["green", "inferno", "viridis"])
def test_a_lut_gives_colour_and_keeps_black_dark(lut) -> None:
    display = Display(DisplaySettings(lut=lut))
    assert display.has_color
    shown = display(np.array([[0, 255]], np.uint8))
    assert shown[0, 0].sum() < shown[0, 1].sum()


def test_sixteen_bits_are_shown_in_eight() -> None:
    shown = Display(DisplaySettings(), full_scale=1023)(np.array([[0, 1023]], np.uint16))
    assert shown.tolist() == [[0, 255]]


def test_the_orientation_indicator_differs_with_the_head_and_when_it_is_invalid() -> None:
    display = Display(DisplaySettings(show_orientation=True))
    black = np.zeros((200, 200), np.uint8)
    level, turned, invalid = (
        display(black, (1, 0, 0, 0)),
        display(black, (0, 1, 0, 0)),
        display(black),
    )
    assert not np.array_equal(level, turned) and not np.array_equal(level, invalid)
    assert level[:100].max() == 0, "it stays in its corner"


def test_rotation_turns_x_to_y_for_a_quarter_turn_about_z() -> None:
    half = np.sqrt(0.5)
    np.testing.assert_allclose(rotation((half, 0, 0, half)) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_an_empty_display_range_is_refused_in_words() -> None:
    with pytest.raises(ValidationError, match="display_min = 200 must be below display_max = 100"):
        DisplaySettings(display_min=200, display_max=100)


def test_a_quarter_turn_about_z_takes_x_to_y():
    half = np.sqrt(0.5)
    np.testing.assert_allclose(rotation((half, 0.0, 0.0, half)) @ [1, 0, 0], [0, 1, 0], atol=1e-9)
    np.testing.assert_allclose(rotation((half, half, 0.0, 0.0)) @ [0, 1, 0], [0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(rotation((half, 0.0, half, 0.0)) @ [0, 0, 1], [1, 0, 0], atol=1e-9)
