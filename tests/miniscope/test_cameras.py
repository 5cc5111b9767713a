"""Cameras by identities that last, and what they can do."""

import struct

import pytest

from syntalos_miniscope.miniscope.cameras import CameraMode, camera_node, list_cameras

YUYV = int.from_bytes(b"YUYV", "little")


def webcam(handle, request, buffer):
    """Answer as a webcam's driver: one format, two sizes, two rates."""
    index = struct.unpack_from("=I", buffer)[0]
    if request == 0x80685600:
        struct.pack_into("=2I", buffer, 84, 0x84A00001, 0x04200001)
    elif request == 0xC0405602 and index == 0:
        struct.pack_into("=I", buffer, 44, YUYV)
    elif request == 0xC02C564A and index < 2:
        struct.pack_into("=3I", buffer, 8, 1, *((640, 480), (320, 240))[index])
    elif request == 0xC034564B and index < 2:
        struct.pack_into("=3I", buffer, 16, 1, *((1, 30), (1, 15))[index])
    else:
        raise OSError(22, "Invalid argument")


@pytest.fixture
def dev(tmp_path):
    folder = tmp_path / "dev"
    (folder / "v4l/by-id").mkdir(parents=True)
    (folder / "video0").touch()
    (folder / "v4l/by-id/usb-Cam_42-video-index0").symlink_to(folder / "video0")
    return folder


def test_a_camera_is_listed_with_its_lasting_name_and_its_modes(dev, tmp_path):
    (camera,) = list_cameras(dev, tmp_path, webcam)
    assert camera.identity == "by-id/usb-Cam_42-video-index0"
    assert camera.modes == (
        CameraMode("YUYV", 640, 480, (30.0, 15.0)),
        CameraMode("YUYV", 320, 240, (30.0, 15.0)),
    )
    for name in ("auto", camera.identity, str(dev / "video0")):
        assert camera_node(name, [camera]) == dev / "video0"


def test_a_node_that_captures_nothing_is_no_camera(dev, tmp_path):
    def metadata_node(handle, request, buffer):
        struct.pack_into("=2I", buffer, 84, 0x84A00001, 0x04A00000)

    assert list_cameras(dev, tmp_path, metadata_node) == []


def test_a_camera_that_is_not_there_lists_those_that_are(dev, tmp_path):
    cameras = list_cameras(dev, tmp_path, webcam)
    with pytest.raises(OSError, match=r"no camera 'x'; cameras here: by-id/usb-Cam_42"):
        camera_node("x", cameras)
    with pytest.raises(OSError, match=r"the device must be named; cameras here: none"):
        camera_node("auto", [])
