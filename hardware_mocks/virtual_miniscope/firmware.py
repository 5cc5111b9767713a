"""What DAQ firmwares differ in."""

from __future__ import annotations

from dataclasses import dataclass

CYPRESS_VID = 0x04B4
UCLA_XU_GUID = bytes([0xFF] * 16)
OPEN_EPHYS_XU_GUID = bytes.fromhex("c00539b3 0055 ee4f 9058 2c3efd330bb9".replace(" ", ""))
"""b33905c0-5500-4fee-9058-2c3efd330bb9 in the byte order of a descriptor."""


@dataclass(frozen=True, slots=True)
class Firmware:
    """One firmware of the DAQ."""

    name: str
    product: str = "MINISCOPE"
    pid: int = 0x00F9
    autoupdate: bool = False
    """Whether GET_INFO says that a control changes by itself (bit 0x08)."""
    abi: int = 2
    """What HUE answers once after SATURATION <- 2; 0 for firmware that knows nothing of it."""
    xu_guid: bytes = UCLA_XU_GUID
    chroma_metadata: bool = False
    """Whether the first 40 odd bytes of a frame carry counter, time, inputs and orientation."""
    ttl_stamp: bool = False
    """Whether the top left 3x3 pixels show the trigger input."""
    super_speed: bool = True


FIRMWARES = {
    firmware.name: firmware
    for firmware in (
        Firmware("stock"),
        Firmware("patched", autoupdate=True),
        Firmware(
            "open-ephys",
            product="UCLA/Open Ephys MINISCOPE DAQ v3",
            xu_guid=OPEN_EPHYS_XU_GUID,
            chroma_metadata=True,
            autoupdate=True,
        ),
        Firmware("ttl-stamp", ttl_stamp=True),
        Firmware("high-speed", pid=0x00F8, super_speed=False),
    )
}
"""Stock; with read-back put right; Open Ephys; the SjulsonLab fork; stock on a USB 2 port."""
