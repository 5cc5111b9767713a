import numpy as np
import pytest
from pictures import picture

from syntalos_miniscope.recording.export import export_recording

pynwb = pytest.importorskip("pynwb", reason="the extra [nwb] is not installed")
pytest.importorskip("ndx_miniscope", reason="the extra [nwb] is not installed")
INDEX = [0, 1, 4, 5]


@pytest.fixture
def source(edl_run):
    return edl_run(index=INDEX, time_us=[1_234 + 50_001 * i for i in INDEX])


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
        assert file.subject.subject_id == "mouse 1"
    assert not pynwb.validate(path=str(out))
