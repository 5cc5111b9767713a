import os
import shutil

import numpy as np
import pytest
from sessions import daq_session, onix_folder, project

from syntalos_miniscope.analysis.pipeline import ConfigError, MiniscopeDataManager, TableError
from syntalos_miniscope.recording import RecordingError

FRAMES = np.random.default_rng(0).integers(0, 256, (2600, 32, 48), np.uint8)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return daq_session(tmp_path_factory.mktemp("daq"), FRAMES)


def pictures(data) -> np.ndarray:
    return np.stack([frame.mat for frame in data.recording.frames()])


def test_a_session_is_told_by_its_files_and_its_camera_is_left_out(session, tmp_path):
    folder = project(tmp_path, {96: session})
    data = MiniscopeDataManager.create(96, folder)
    assert data.layout == "daq" and data.frame_rate_hz == pytest.approx(20)
    assert (pictures(data) == FRAMES).all()
    assert data.metadata["id"] == "R1" and data.metadata["comments"] == "calm"
    assert data.saved_movies == session / "saved_movies"


def test_videos_follow_each_other_by_number_whatever_their_files_times_say(session, tmp_path):
    # As after unzip: the last one is the oldest.
    for age, name in enumerate(("2.avi", "0.avi", "1.avi")):
        os.utime(session / "My_V4_Miniscope" / name, (1_000_000 + age, 1_000_000 + age))
    data = MiniscopeDataManager.create(96, project(tmp_path, {96: session}))
    assert (pictures(data) == FRAMES).all()


def test_the_device_folder_may_be_named_and_a_folder_far_above_it(session, tmp_path):
    root = session.parents[4]
    lines = {1: session / "My_V4_Miniscope", 2: root, 3: session.parents[2]}
    folder = project(tmp_path, lines)
    for line in lines:
        data = MiniscopeDataManager.create(line, folder)
        assert len(data.recording) == len(FRAMES) and data.layout == "daq"


def test_a_camera_is_told_by_its_own_type_where_the_session_does_not_say(session, tmp_path):
    place = shutil.copytree(session, tmp_path / "session")
    (place / "metaData.json").unlink()
    data = MiniscopeDataManager.create(96, project(tmp_path, {96: place}))
    assert data.recording.name == "My_V4_Miniscope"


def test_an_onix_folder_is_told_by_its_files(tmp_path):
    place = onix_folder(tmp_path / "data", FRAMES[:60], 30.0)
    folder = project(tmp_path, {7: place.name})
    data = MiniscopeDataManager.create(7, folder, tmp_path / "data")
    assert data.layout == "onix" and data.frame_rate_hz == pytest.approx(30, rel=1e-3)
    assert (pictures(data) == FRAMES[:60]).all()
    assert data.time_s[-1] == pytest.approx(59 / 30, abs=1e-3)


def test_what_was_saved_before_is_not_taken_for_a_recording(session, tmp_path):
    place = onix_folder(tmp_path / "data", FRAMES[:20])
    onix_folder(place / "saved_movies", FRAMES[:20])
    data = MiniscopeDataManager.create(7, project(tmp_path, {7: place}))
    assert len(data.recording) == 20


def test_the_recording_is_looked_for_below_the_data_path_else_the_project(tmp_path):
    folder = project(tmp_path, {7: "onix"})
    onix_folder(folder, FRAMES[:20])
    assert len(MiniscopeDataManager.create(7, folder).recording) == 20
    with pytest.raises(TableError, match=r"experiments.csv, line 2, column calcium imaging dir"):
        MiniscopeDataManager.create(7, folder, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("96,", TableError, "line 2, column calcium imaging directory: it is empty"),
        ("96,none", TableError, "there is no folder .*none"),
        ("96,two", RecordingError, "two holds 2 recordings; give one of them: .*a.*b"),
        ("96,bare", RecordingError, "bare is no recording"),
    ],
)
def test_a_line_that_leads_nowhere_is_one_line(tmp_path, line, error, words):
    for name in ("a", "b"):
        onix_folder(tmp_path / "two" / name, FRAMES[:4])
    (tmp_path / "bare").mkdir()
    (tmp_path / "experiments.csv").write_text(f"line number,calcium imaging directory\n{line}\n")
    with pytest.raises(error, match=words) as refused:
        MiniscopeDataManager.create(96, tmp_path)
    assert "\n" not in str(refused.value)


def test_a_table_without_the_column_of_recordings_is_refused(tmp_path):
    (tmp_path / "experiments.csv").write_text("line number,id\n96,R1\n")
    with pytest.raises(TableError, match="there is no column 'calcium imaging directory'"):
        MiniscopeDataManager.create(96, tmp_path)


def test_options_are_checked_before_anything_is_read(tmp_path):
    folder = project(tmp_path, {96: "nowhere"})
    with pytest.raises(ConfigError, match="gSigg"):
        MiniscopeDataManager.create(96, folder, gSigg=3)
