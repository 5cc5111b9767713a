import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syntalos_miniscope.analysis.rois import Rois, load_rois, save_rois

SHAPE = (60, 80)


def written(tmp_path, *entries, size=(80, 60)):
    path = tmp_path / "rois.json"
    path.write_text(json.dumps({"format": 1, "size": size, "rois": list(entries)}))
    return path


def picture(rois) -> np.ndarray:
    return rois.footprints.dense((0, 0, *rois.shape))


def blob(y, x, radius=4.0) -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * radius**2)).astype(np.float32)


def test_a_drawn_rectangle_holds_the_pixels_whose_middle_it_covers(tmp_path):
    corners = [[10, 20], [14, 20], [14, 23], [10, 23]]
    path = written(tmp_path, {"name": "a", "kind": "rectangle", "corners": corners})
    filled = picture(load_rois(path, SHAPE))[0]
    assert filled[20:23, 10:14].all() and filled.sum() == 12


def test_a_drawn_ellipse_has_its_area(tmp_path):
    corners = [[20, 10], [50, 10], [50, 30], [20, 30]]
    path = written(tmp_path, {"name": "a", "kind": "ellipse", "corners": corners})
    assert picture(load_rois(path, SHAPE)).sum() == pytest.approx(np.pi * 15 * 10, rel=0.02)


def test_a_drawn_polygon_may_have_a_dent(tmp_path):
    corners = [[10, 10], [30, 10], [30, 30], [20, 20], [10, 30]]
    path = written(tmp_path, {"name": "a", "kind": "polygon", "corners": corners})
    filled = picture(load_rois(path, SHAPE))[0]
    assert filled.sum() == pytest.approx(300, rel=0.05)
    assert not filled[28, 20] and filled[12, 20]


def test_what_hangs_over_the_edge_is_cut_off(tmp_path):
    corners = [[-5, -5], [3, -5], [3, 2], [-5, 2]]
    path = written(tmp_path, {"name": "a", "kind": "rectangle", "corners": corners})
    assert picture(load_rois(path, SHAPE)).sum() == 6


@settings(deadline=None)
@given(st.floats(6, 50), st.floats(6, 70), st.floats(1.0, 5.0))
def test_saved_regions_come_back(tmp_path_factory, y, x, radius):
    path = tmp_path_factory.mktemp("rois") / "a.json"
    blurred = blob(y, x, radius)
    rois = Rois.of(np.where(blurred > 0.05, blurred, 0)[None], ["one"])
    save_rois(rois, path)
    back = load_rois(path, SHAPE)
    assert back.names == ("one",)
    assert np.abs(picture(back) - picture(rois)).max() < 1e-3


def test_the_editor_reads_saved_regions_as_outlines_of_half_the_peak(tmp_path):
    rois = Rois.of(blob(30, 40, 6.0)[None])
    save_rois(rois, tmp_path / "a.json")
    (entry,) = json.loads((tmp_path / "a.json").read_text())["rois"]
    assert entry["kind"] == "polygon"
    corners = np.array(entry["corners"])
    # Pixel middles are at halves in the editor.
    assert corners.mean(axis=0) == pytest.approx((40.5, 30.5), abs=0.8)
    radii = np.hypot(*(corners - (40.5, 30.5)).T)
    assert radii == pytest.approx(6 * np.sqrt(2 * np.log(2)), abs=1.0)


def test_npz_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", A=np.stack([blob(10, 10), 5 * blob(40, 60)]), names=["x", "y"])
    rois = load_rois(tmp_path / "a.npz", SHAPE)
    assert rois.names == ("x", "y")
    assert rois.centers() == pytest.approx(np.array([(10, 10), (40, 60)]), abs=0.5)
    assert picture(rois).max(axis=(1, 2)) == pytest.approx((1, 1))


def test_minians_zarr_is_read(tmp_path):
    import zarr

    group = zarr.open_group(str(tmp_path / "A.zarr"), mode="w", zarr_format=2)
    group.create_array("A", data=np.stack([blob(10, 10), blob(40, 60)]))
    for path in (tmp_path, tmp_path / "A.zarr"):
        assert load_rois(path, SHAPE).centers()[1] == pytest.approx((40, 60), abs=0.5)


def test_caimans_hdf5_is_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    from scipy.sparse import csc_matrix

    dense = np.stack([blob(10, 20), blob(40, 60)])
    matrix = csc_matrix(np.where(dense > 0.01, dense, 0).transpose(0, 2, 1).reshape(2, -1).T)
    with h5py.File(tmp_path / "estimates.hdf5", "w") as file:
        for name in ("data", "indices", "indptr", "shape"):
            file[f"estimates/A/{name}"] = getattr(matrix, name)
        file["dims"] = np.array(SHAPE)
    rois = load_rois(tmp_path / "estimates.hdf5", SHAPE)
    assert rois.centers() == pytest.approx(np.array([(10, 20), (40, 60)]), abs=0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "rois.json"),
        ("[]", "not a file of regions"),
        ('{"rois": []}', "holds no regions"),
        ('{"rois": [{"name": "a", "kind": "star", "corners": [[1, 2]]}]}', "star"),
        ('{"rois": [{"name": "a", "kind": "polygon"}]}', "corners"),
        ('{"rois": 5, "size": [80, 60]}', "not a file of regions"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "rois.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=words) as refused:
        load_rois(path, SHAPE)
    assert "\n" not in str(refused.value) and str(path) in str(refused.value)


def test_regions_for_other_frames_are_refused_with_both_sizes(tmp_path):
    np.savez(tmp_path / "a.npz", A=np.ones((1, 10, 20)))
    with pytest.raises(ValueError, match=r"20 x 10 pixels, these have 80 x 60"):
        load_rois(tmp_path / "a.npz", SHAPE)


def test_a_cut_npz_is_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(ValueError, match=r"a.npz: not a file of regions"):
        load_rois(tmp_path / "a.npz", SHAPE)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no file of regions .*none.json"):
        load_rois(tmp_path / "none.json", SHAPE)


def test_an_unknown_kind_of_file_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"regions are read from \.json"):
        load_rois(tmp_path / "a.txt", SHAPE)
