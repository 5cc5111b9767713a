"""What a box says, in the little room that it has."""

from collections import Counter

import numpy as np
from PySide6.QtGui import QFont, QFontMetricsF

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import Frame
from syntalos_miniscope_ui.canvas.box_item import in_two_lines
from syntalos_miniscope_ui.live import counts_text

FULL = "cannot record in /data/day one/m1/2026-11-20/videos/frames: its disk has only 1 MB left"


def test_an_error_on_a_box_says_why_rather_than_in_which_folders(qapp) -> None:
    lines = in_two_lines(FULL, QFont(), 10_000)
    assert lines == ("cannot record in …/frames: its disk has only 1 MB left", "")
    zarr = "cannot write file:///data/m1/truth.zarr/C: No space left on device"
    assert in_two_lines(zarr, QFont(), 10_000)[0] == "cannot write …/C: No space left on device"


def test_an_error_is_broken_between_words_where_its_first_line_is_full(qapp) -> None:
    font = QFont()
    room = QFontMetricsF(font).horizontalAdvance("the lens cap is")
    first, second = in_two_lines("the lens cap is still on", font, room + 1)
    assert (first, second) == ("the lens cap is", "still on")
    assert in_two_lines("Donaudampfschifffahrt", font, 10) == ("Donaudampfschifffahrt", "")


def test_what_never_happened_takes_no_room(qapp) -> None:
    assert counts_text(Counter(frames=1200, dropped=0, torn=2)) == "frames 1,200 · torn 2"


def test_a_recorder_ends_with_the_number_of_frames_that_it_kept(tmp_path) -> None:
    recorder = Catalog.shipped().node("video_recorder")
    script = Script(recorder(recorder.Settings()), record_to=tmp_path)
    script.prepare()
    script.start()
    for index in range(7):
        script.feed("frames-in", Frame(index, 50_000 * index, np.zeros((24, 32), np.uint8)))
    script.stop()
    assert script.statuses[-1] == "7 frames"
