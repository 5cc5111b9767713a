"""The chips at the far end of the coaxial cable, as registers that a test can read.

Addresses are 8-bit write addresses, as on the wire. Sources: the public firmware of the scope's
microcontroller (Miniscope-v4) and the parts' roles in the device tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from syntalos_miniscope.scope import Gain, Quaternion

DESERIALISER, SERIALISER, MCU, EWL, POT, BNO = 0xC0, 0xB0, 0x20, 0xEE, 0xA0, 0x50

EXPOSURE_UNIT_US = 10.06
"""167 clocks of the PYTHON480's 16.6 MHz."""

LED_OFF = 255
BNO_CONFIG_MODE, BNO_NDOF = 0x00, 0x0C
BNO_MODE_CHANGE_NS = 19_000_000
"""BNO055 datasheet, table 3-6: how long it takes from fusion into config mode."""

_SENSOR_EXPOSURE, _SENSOR_GAIN = 201, 204
_GAINS: dict[int, Gain] = {0x00E1: "low", 0x00E4: "medium", 0x0024: "high"}


@dataclass
class ScopeSide:
    """Every register of the scope, as it is after power-up, and the bus that leads there."""

    deserialiser: dict[int, int] = field(default_factory=dict[int, int])
    serialiser: dict[int, int] = field(default_factory=dict[int, int])
    mcu: dict[int, int] = field(default_factory=lambda: {1: LED_OFF, 2: LED_OFF, 4: 0, 6: 1})
    # The potentiometer comes up half way; it is the microcontroller that keeps the LED dark then.
    pot: dict[int, int] = field(default_factory=lambda: {0: 0x80, 1: 0x80})
    ewl: dict[int, int] = field(default_factory=lambda: {3: 0, 8: 127})
    bno: dict[int, int] = field(
        default_factory=lambda: {0x3D: BNO_CONFIG_MODE, 0x41: 0x24, 0x42: 0}
    )
    sensor: dict[int, int] = field(
        default_factory=lambda: {199: 167, 200: 3300, _SENSOR_EXPOSURE: 3300, _SENSOR_GAIN: 0xE1}
    )
    bno_lost: bool = False
    """Whether the orientation sensor forgot its set-up and gives zeros."""
    not_acknowledged: list[bytes] = field(default_factory=list[bytes])
    """Packets that nobody answered to, which the host never learns."""
    _bno_ready_ns: int = 0

    @property
    def led_percent(self) -> float:
        """How bright the LED is: microcontroller and potentiometer must both let it light."""
        return (LED_OFF - max(self.led_registers)) / LED_OFF * 100

    @property
    def led_registers(self) -> tuple[int, int]:
        """The LED as microcontroller and wiper B of the potentiometer have it; 255, 255 is off."""
        return self.mcu[1], self.pot[1]

    @property
    def focus_steps(self) -> int:
        """Where the electrowetting lens stands, -127..127; 0 while its driver is off."""
        return self.ewl[8] - 127 if self.ewl[3] == 3 else 0

    @property
    def gain(self) -> Gain:
        """The gain of the image sensor."""
        return _GAINS.get(self.sensor[_SENSOR_GAIN], "low")

    @property
    def frame_period_ns(self) -> int:
        """The time from frame to frame."""
        return round(max(self.sensor[_SENSOR_EXPOSURE], 300) * EXPOSURE_UNIT_US * 1000)

    def write(self, packet: bytes, now_ns: int) -> None:
        """Do one I2C write `[address, register, data...]`, or note that nobody was there."""
        chip, data = self._chip(packet[0]), packet[1:]
        if chip is None or not data:
            self.not_acknowledged.append(packet)
        elif chip is self.mcu:
            self._write_mcu(data)
        elif chip is self.bno:
            self._write_bno(data, now_ns)
        else:
            for offset, value in enumerate(data[1:]):
                chip[data[0] + offset] = value

    def bno_bytes(self, quaternion: Quaternion) -> bytes | None:
        """Give the eight bytes of a read at 0x20; None if the bus does not lead there."""
        if self._chip(BNO) is None:
            return None
        if self.bno_lost or self.bno[0x3D] != BNO_NDOF:
            return bytes(8)
        return b"".join(
            round(part * 16384).to_bytes(2, "little", signed=True) for part in quaternion
        )

    def _chip(self, address: int) -> dict[int, int] | None:
        if address == DESERIALISER:
            return self.deserialiser
        if 0x1F not in self.deserialiser:
            return None
        if address == SERIALISER:
            return self.serialiser
        if 0x05 not in self.serialiser:
            return None
        # An alias at 0x10 + n leads to the chip whose real address is at 0x08 + n.
        for slot in range(8):
            if self.deserialiser.get(0x10 + slot) == address:
                real = self.deserialiser.get(0x08 + slot)
                return {MCU: self.mcu, EWL: self.ewl, POT: self.pot, BNO: self.bno}.get(real or 0)
        return None

    def _write_mcu(self, data: bytes) -> None:
        if data[0] == 5 and len(data) == 5:
            self.sensor[data[1] << 8 | data[2]] = data[3] << 8 | data[4]
        elif len(data) == 2:
            self.mcu[data[0]] = data[1]

    def _write_bno(self, data: bytes, now_ns: int) -> None:
        register = data[0]
        if register == 0x3D:
            if data[1] == BNO_CONFIG_MODE and self.bno[0x3D] != BNO_CONFIG_MODE:
                self._bno_ready_ns = now_ns + BNO_MODE_CHANGE_NS
            self.bno[0x3D] = data[1]
            if data[1] == BNO_NDOF:
                self.bno_lost = False
            return
        if self.bno[0x3D] != BNO_CONFIG_MODE or now_ns < self._bno_ready_ns:
            # Axes can be remapped in config mode only.
            return
        for offset, value in enumerate(data[1:]):
            self.bno[register + offset] = value
