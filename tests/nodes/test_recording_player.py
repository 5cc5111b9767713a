from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.player import open_recording
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.streams import Control, ControlKind, FloatSignalBlock, Frame, TableRow

SHARED = Path(__file__).parents[3] / "shared" / "data"
Player: Any = Catalog.shipped().node("recording_player")


INDEX = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10]


@pytest.fixture
def recording(tmp_path) -> Path:
    """Ten frames at 20 Hz; the third is a drop, the fifth has no orientation."""
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    video = VideoDataset(run.dataset("videos/scope"), "scope", 20.0)
    for number in range(10):
        index = number + (number > 1)
        time_us = 10_000 + 50_000 * index
        video.add(Frame(index, time_us, np.full((16, 16), number, np.uint8)))
        if number != 4:
            video.add_orientation(time_us, (1.0, 0.0, 0.0, number / 100))
    video.close()
    return run.path


def play(recording, paced=False, **settings) -> Script:
    script = Script(Player(Player.Settings(path=str(recording), **settings)), paced=paced)
    script.prepare()
    script.start()
    return script


def frames(script: Script, port: str = "frames-raw-out") -> list[Frame]:
    return [item for item in script.emitted[port] if isinstance(item, Frame)]


def test_every_frame_comes_in_order_with_its_index_and_time(recording):
    script = play(recording)
    script.run()
    assert [frame.index for frame in frames(script)] == INDEX
    assert [frame.time_us for frame in frames(script)] == [10_000 + 50_000 * i for i in INDEX]
    assert [int(frame.mat[0, 0]) for frame in frames(script)] == list(range(10))
    assert script.described["frames-raw-out"] == {
        "framerate": pytest.approx(20.0),
        "size": (16, 16),
        "has_color": False,
    }


def test_orientation_comes_on_both_ports_and_its_gap_is_counted(recording):
    script = play(recording)
    script.run()
    rows = [row.cells for row in script.emitted["bno-tab-out"] if isinstance(row, TableRow)]
    assert rows[1] == ("60.000", "1.000000", "0.000000", "0.000000", "0.010000")
    assert len(rows) == len(script.emitted["bno-raw-out"]) == 9
    block = script.emitted["bno-raw-out"][1]
    assert isinstance(block, FloatSignalBlock)
    assert block.timestamps.tolist() == [60]
    assert script.counters == {"orientation_invalid": 1}


@pytest.mark.parametrize(("speed", "end_us"), [(1.0, 510_000), (0.5, 1_020_000), (4.0, 127_500)])
def test_speed_paces_by_the_run_clock_and_leaves_the_times(recording, speed, end_us):
    script = play(recording, speed=speed)
    script.run()
    assert script.clock.now_us() == end_us
    assert frames(script)[-1].time_us == 510_000


def test_speed_0_waits_for_nobody(recording):
    script = play(recording, speed=0)
    script.run()
    assert script.clock.now_us() == 0
    assert len(frames(script)) == 10


def test_a_new_speed_goes_on_from_where_it_is(recording):
    script = play(recording)
    script.apply(script.node.settings.model_copy(update={"speed": 0.5}))
    script.run()
    # The first frame was waited for at the old speed.
    assert script.clock.now_us() == 10_000 + 510_000 * 2


def test_a_start_offset_is_subtracted(recording):
    script = play(recording, start_s=0.2)
    script.run()
    assert [frame.time_us for frame in frames(script)] == [10_000 + 50_000 * i for i in range(7)]


def test_a_loop_goes_on_until_it_is_stopped(recording):
    script = play(recording, loop=True)
    script.run(until_us=3_000_000)
    times = [frame.time_us for frame in frames(script)]
    assert len(times) > 40
    assert times == sorted(set(times))


def test_pause_step_and_start_are_obeyed(recording):
    script = play(recording)
    for kind in (ControlKind.PAUSE, ControlKind.STEP, ControlKind.STEP):
        script.feed("control-in", Control(kind))
    script.run(until_us=2_000_000)
    assert [frame.index for frame in frames(script)] == [0, 1]


def test_pause_delays_the_rest_and_stop_ends_it(recording):
    script = play(recording)
    script.feed("control-in", Control(ControlKind.PAUSE))
    script.feed("control-in", Control(ControlKind.START))
    script.run(items=2)
    script.feed("control-in", Control(ControlKind.STOP))
    script.run()
    assert len(frames(script)) < 10


def test_display_frames_are_made_only_for_somebody(recording):
    script = play(recording)
    script.run()
    assert len(frames(script, "frames-disp-out")) == 10
    alone = Script(
        Player(Player.Settings(path=str(recording))), wired={"frames-raw-out"}, paced=False
    )
    alone.prepare()
    alone.start()
    alone.run()
    assert alone.emitted["frames-disp-out"] == []


def test_no_path_is_one_line_that_says_how():
    with pytest.raises(RecordingError, match=r"not set; .* settings .* --set player\.path=DIR"):
        Script(Player(Player.Settings())).prepare()


def test_the_real_recording_arrives_whole_and_on_time():
    path = SHARED / "edl-blink1"
    if not path.is_dir():
        pytest.skip("the real recordings are not beside this checkout, in ../shared/data")
    stored = open_recording(path)
    script = Script(
        Player(Player.Settings(path=str(path), speed=0)), wired={"frames-raw-out"}, paced=False
    )
    script.prepare()
    script.start()
    seen = [(item.index, item.time_us) for _, item in script.stream() if isinstance(item, Frame)]
    assert seen == list(zip(stored.index.tolist(), stored.time_us.tolist(), strict=True))
    assert seen[0] == (1, 40_000)
    assert len(seen) > 1280


def test_what_is_turned_while_it_plays_is_kept_with_the_run(recording, tmp_path):
    settings = Player.Settings(path=str(recording), loop=True)
    script = Script(Player(settings), record_to=tmp_path / "runs", paced=False)
    script.prepare()
    script.start()
    script.apply(settings.model_copy(update={"speed": 2.0}))
    script.run(items=2)
    script.stop()
    (log,) = (tmp_path / "runs").rglob("ctlvalue-changes.csv")
    rows = [line.split(";")[1:4] for line in log.read_text().splitlines()]
    turned = [row for row in rows if row[0] == "speed"]
    assert turned == [["speed", "1.0", "1.0"], ["speed", "2.0", "2.0"]]
    assert rows[-1] == turned[-1]
