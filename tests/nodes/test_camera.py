"""The behaviour camera's box, on a capture like cv2's."""

import time
from typing import Any

import cv2
import numpy as np
import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import Control, ControlKind

Camera: Any = Catalog.shipped().node("camera")


class Webcam:
    """A capture of 100 frames a second that may end."""

    def __init__(self, frames: int = 10_000):
        self.left, self.released, self.stamp_ms = frames, False, 0.0

    def read(self):
        time.sleep(0.01)
        self.left -= 1
        self.stamp_ms = time.monotonic() * 1000
        return (True, np.full((48, 64, 3), 100, np.uint8)) if self.left >= 0 else (False, None)

    def get(self, prop):
        return {cv2.CAP_PROP_FPS: 100.0, cv2.CAP_PROP_POS_MSEC: self.stamp_ms}.get(prop, 0.0)

    def release(self):
        self.released = True


def script(webcam, **settings) -> Script:
    node = Camera(Camera.Settings(**settings))
    node.open_camera = lambda device, **asked: webcam
    return Script(node)


@pytest.mark.parametrize(("colour", "shape"), [("grey", (48, 64)), ("colour", (48, 64, 3))])
def test_frames_come_with_index_and_time_in_the_colours_asked_for(colour, shape):
    webcam = Webcam()
    made = script(webcam, colour=colour)
    made.prepare()
    assert made.described["frames-out"] == {
        "framerate": 100.0,
        "size": (64, 48),
        "has_color": colour == "colour",
    }
    made.start()
    made.run(items=10)
    made.stop()
    frames: Any = made.emitted["frames-out"]
    assert [frame.index for frame in frames] == list(range(10))
    assert all(frame.mat.shape == shape for frame in frames)
    times = [frame.time_us for frame in frames]
    assert times == sorted(set(times))
    assert webcam.released


def test_what_waited_in_the_buffers_before_the_start_is_thrown_away():
    class Buffered(Webcam):
        def read(self) -> Any:
            got, image = super().read()
            if got and self.left > 9_990:
                self.stamp_ms -= 3_000_000
                image = np.zeros_like(image)
            return got, image

    made = script(Buffered())
    made.prepare()
    made.start()
    made.run(items=3)
    made.stop()
    frames: Any = made.emitted["frames-out"]
    assert [(frame.index, frame.mat.max()) for frame in frames] == [(0, 100), (1, 100), (2, 100)]


def test_single_reads_that_fail_end_nothing():
    class Shaky(Webcam):
        def read(self) -> Any:
            got, image = super().read()
            return (got, image) if self.left % 5 == 0 else (False, None)

    webcam = Shaky(frames=10_001)
    made = script(webcam)
    made.prepare()
    made.start()
    made.run(items=5)
    made.stop()
    assert len(made.emitted["frames-out"]) == 5


def test_pictures_that_cannot_be_used_end_the_run_rather_than_the_frames_alone():
    class Odd(Webcam):
        def read(self) -> Any:
            got, image = super().read()
            return got, image if self.left > 9_990 else np.zeros((4, 4, 3, 2), np.uint8)

    webcam = Odd()
    made = script(webcam, colour="colour")
    made.prepare()
    made.start()
    with pytest.raises(ValueError, match="a frame is C-contiguous"):
        made.run(until_us=60_000_000)
    made.stop()
    assert webcam.released


def test_a_camera_that_goes_ends_the_run_with_a_sentence():
    made = script(Webcam(frames=5))
    made.prepare()
    made.start()
    with pytest.raises(RuntimeError, match="the camera gives no frames any more"):
        made.run(items=100)
    made.stop()


def test_one_that_gives_no_first_frame_refuses_the_run():
    webcam = Webcam(frames=0)
    with pytest.raises(OSError, match="the camera gives no frames: is it in use"):
        script(webcam).prepare()
    assert webcam.released


def test_what_was_asked_and_not_given_is_said():
    made = script(Webcam(), width=640, frame_rate_hz=30)
    made.prepare()
    made.stop()
    assert made.notes == [
        "The camera was asked for a width of 640 and gives 64.",
        "The camera was asked for a rate of 30 and gives 100.",
    ]


def test_stop_ends_it():
    made = script(Webcam())
    made.prepare()
    made.start()
    made.feed("control-in", Control(ControlKind.STOP))
    made.run(until_us=60_000_000)
    made.stop()


def test_a_camera_that_is_not_there_refuses_the_run():
    node = Camera(Camera.Settings(device="by-id/none"))
    with pytest.raises(OSError, match="no camera 'by-id/none'"):
        Script(node).prepare()
