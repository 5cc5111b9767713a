import numpy as np
import pytest
from pictures import picture

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.export import export_recording
from syntalos_miniscope.recording.partial import partial_of
from syntalos_miniscope.recording.recorded import VideoParts

pynwb = pytest.importorskip("pynwb", reason="the extra [nwb] is not installed")
pytest.importorskip("ndx_miniscope", reason="the extra [nwb] is not installed")
INDEX = [0, 1, 4, 5]


@pytest.fixture
def source(edl_run):
    run = edl_run(index=INDEX, time_us=[1_234 + 50_001 * i for i in INDEX])
    (run / "report.json").write_text('{"marks": ["101.500 ms: light, then dark"]}')
    return run


@pytest.mark.parametrize("external", [False, True])
def test_nwb_holds_device_frames_times_and_orientation(tmp_path, source, external):
    out = tmp_path / "sub" / "m1.nwb"
    export_recording(source, "nwb", out, external=external)
    with pynwb.NWBHDF5IO(str(out), "r") as io:
        file = io.read()
        series = file.acquisition["OnePhotonSeries"]
        np.testing.assert_allclose(
            series.timestamps[:], [(1_234 + 50_001 * i) / 1e6 for i in INDEX]
        )
        if external:
            (video,) = series.external_file[:]
            assert (out.parent / video).resolve().samefile(source / "videos/scope/scope.mkv")
        else:
            assert series.data.shape == (4, 48, 32)
            np.testing.assert_array_equal(series.data[2], picture(4).T)
        device = file.devices["Miniscope"]
        assert type(device).__name__ == "Miniscope"
        assert device.compression == "ffv1"
        turned = file.acquisition["HeadOrientation"]
        assert turned.data.shape == (4, 4)
        np.testing.assert_allclose(turned.timestamps[:], series.timestamps[:], atol=1e-6)
        (note,) = file.acquisition["Notes"].to_dataframe().itertuples(index=False)
        assert tuple(note) == (0.1015, "light, then dark")
        assert file.subject.subject_id == "mouse 1"
    assert not pynwb.validate(path=str(out))


def stop_at(stop: int):
    def progress(done: int, total: int) -> None:
        if done == stop:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("stop", [1, 3])
def test_a_stopped_export_goes_on_with_the_next_frame(tmp_path, source, stop):
    out, begun = tmp_path / "m1.nwb", []
    with pytest.raises(KeyboardInterrupt):
        export_recording(source, "nwb", out, progress=stop_at(stop))
    assert not out.exists()
    export_recording(source, "nwb", out, progress=lambda done, total: begun.append(done))
    assert begun[0] == stop
    with pytest.importorskip("h5py").File(out) as raw:
        assert not {"export", "frames_done"} & set(raw.attrs)
    with pynwb.NWBHDF5IO(str(out), "r") as io:
        pixels = io.read().acquisition["OnePhotonSeries"].data
        np.testing.assert_array_equal(pixels, [picture(i).T for i in INDEX])
    assert not pynwb.validate(path=str(out))


def test_what_another_export_left_is_not_taken_up(tmp_path, source, edl_run):
    out = tmp_path / "m1.nwb"
    with pytest.raises(KeyboardInterrupt):
        export_recording(source, "nwb", out, progress=stop_at(2))
    with pytest.raises(RecordingError, match="is left from another export"):
        export_recording(edl_run(index=[0, 1, 2]), "nwb", out)
    assert partial_of(out).exists()


def test_a_killed_export_begins_again(tmp_path, source):
    out = tmp_path / "m1.nwb"
    partial_of(out).write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    export_recording(source, "nwb", out)
    assert not pynwb.validate(path=str(out))


@pytest.mark.parametrize("place", [2, 3])
def test_a_frame_that_does_not_decode_is_named_and_never_a_black_one(
    tmp_path, source, monkeypatch, place
):
    frames = VideoParts.frames

    def without_one(self, first=0):
        return ((at, mat) for at, mat in frames(self, first) if at != place)

    monkeypatch.setattr(VideoParts, "frames", without_one)
    with pytest.raises(RecordingError, match=f"frame {INDEX[place]} does not decode; export to"):
        export_recording(source, "nwb", tmp_path / "m1.nwb")
