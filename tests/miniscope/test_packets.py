"""The words on the wire, against the worked examples of the public device tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope.miniscope.device_types import device_type, shipped_types
from syntalos_miniscope.miniscope.packets import pack, serdes_mode, unpack

V4 = device_type("Miniscope_V4_BNO")

INIT = """
C0 1F 10           03C0 101F 0000
B0 05 20           03B0 2005 0000
C0 22 02           03C0 0222 0000
C0 20 0A           03C0 0A20 0000
C0 07 B0           03C0 B007 0000
B0 0F 02           03B0 020F 0000
B0 1E 0A           03B0 0A1E 0000
C0 08 20 EE A0 50  08C1 EE20 50A0
C0 10 20 EE 58 50  10C1 EE20 5058
50 41 09 05        0450 0941 0005
50 3D 0C           0350 0C3D 0000
FE 00              02FE 0000 0000
EE 03 03           03EE 0303 0000
"""
OTHERS = """
AA 01 02 03 04     05AA 0201 0403
B0 05 20 11 22 33  05B1 1120 3322
50 3D 00           0350 003D 0000
FE 01              02FE 0001 0000
20 06 00           0320 0006 0000
C0 1F 11           03C0 111F 0000
B0 05 21           03B0 2105 0000
"""


def rows(table: str) -> list[tuple[bytes, tuple[int, ...]]]:
    found = []
    for line in table.strip().splitlines():
        packet, words = line[:17], line[19:].split()
        found.append((bytes.fromhex(packet), tuple(int(word, 16) for word in words)))
    return found


@pytest.mark.parametrize(("packet", "words"), rows(INIT) + rows(OTHERS))
def test_a_packet_travels_as_the_words_of_the_table(packet, words):
    assert pack(packet) == words
    assert unpack(pack(packet)) == packet


def test_the_init_of_a_v4_is_the_table_in_order():
    sent = [*serdes_mode(V4.pixel_clock_mhz), *V4.init]
    assert sent == [packet for packet, _ in rows(INIT)]


def test_a_fast_pixel_clock_takes_the_high_frequency_link():
    assert [packet.hex() for packet in serdes_mode(96)] == ["c01f11", "b00521"]


@pytest.mark.parametrize(
    ("percent", "code"),
    [(0, 0xFF), (1, 0xFC), (5, 0xF2), (10, 0xE5), (20, 0xCC), (50, 0x7F), (75, 0x3F), (100, 0)],
)
def test_led_percent_gives_the_code_of_the_table(percent, code):
    led = V4.sliders["led0"]
    assert led.code(percent) == led.code(float(percent)) == code
    mcu, pot = (pack(command.packet) for command in led.commands(code))
    assert mcu == (0x0320, code << 8 | 0x01, 0)
    assert pot == (0x0458, 0x7200, code)


def test_led_codes_equal_integer_arithmetic_at_every_percent():
    led = V4.sliders["led0"]
    assert [led.code(p) for p in range(101)] == [(25500 - 255 * p) // 100 for p in range(101)]


@pytest.mark.parametrize(
    ("step", "code"),
    [(-127, 0), (-64, 0x3F), (-1, 0x7E), (0, 0x7F), (1, 0x80), (50, 0xB1), (64, 0xBF), (127, 0xFE)],
)
def test_focus_steps_give_the_words_of_the_table(step, code):
    ewl = V4.sliders["ewl"]
    (command,) = ewl.commands(ewl.code(step))
    assert pack(command.packet) == (0x04EE, code << 8 | 0x08, 0x0002)


@pytest.mark.parametrize(("position", "tail"), [(0, 0xE100), (1, 0xE400), (2, 0x2400)])
def test_gain_gives_the_words_of_the_table(position, tail):
    (command,) = V4.choices["gain"].commands(position)
    assert pack(command.packet) == (0x0521, 0xCC00, tail)


@pytest.mark.parametrize(
    ("name", "tail", "rate_hz"),
    [
        ("30FPS", 0xE40C, 30.12),
        ("25FPS", 0xA00F, 24.85),
        ("20FPS", 0x8813, 19.88),
        ("15FPS", 0x0B1A, 14.91),
        ("10FPS", 0x1027, 9.94),
        ("5FPS", 0x204E, 4.97),
        ("2FPS", 0x50C3, 1.99),
    ],
)
def test_frame_rate_gives_the_words_and_the_true_rate(name, tail, rate_hz):
    rate = V4.choices["frameRate"]
    position = rate.names.index(name)
    (command,) = rate.commands(position)
    assert pack(command.packet) == (0x0521, 0xC900, tail)
    assert V4.frame_rate_hz(position) == pytest.approx(rate_hz, abs=0.005)


def test_gain_and_frame_rate_do_not_replace_each_other():
    assert V4.choices["gain"].commands(0)[0].key != V4.choices["frameRate"].commands(0)[0].key


def test_dark_turns_off_every_light_of_each_scope():
    dark = {
        name: [c.packet.hex(" ") for c in kind.dark_commands()]
        for name, kind in shipped_types().items()
    }
    assert dark["Miniscope_V4_BNO"] == ["20 01 ff", "58 00 72 ff"]
    assert dark["Miniscope_V4_2C_Manual"] == ["20 01 ff", "58 00 ff", "20 02 ff", "58 01 ff"]
    assert dark["Miniscope_V3"] == ["98 00 00"]
    assert dark["Minicam-Mono-XGA"] == ["6c a0 00"]
    assert dark["MiniLFOV_Bin2x_Avg"] == ["58 00 ff ff"]


def test_v3_sends_both_values_of_a_frame_rate_and_shifts_the_led():
    v3 = device_type("Miniscope_V3")
    assert [c.packet.hex() for c in v3.choices["frameRate"].commands(0)] == [
        "b80502ee04e2",
        "b80b06b8",
    ]
    led = v3.sliders["led0"]
    assert [c.packet.hex() for c in led.commands(led.code(128))] == ["980800"]


def test_every_packet_of_every_type_fits_the_wire():
    for kind in shipped_types().values():
        for packet in kind.init:
            pack(packet)
        for control in (*kind.choices.values(), *kind.sliders.values()):
            for command in control.commands(0):
                pack(command.packet)


@given(st.binary(min_size=1, max_size=6).map(lambda raw: bytes((raw[0] & 0xFE, *raw[1:]))))
def test_unpacking_undoes_packing(packet):
    assert unpack(pack(packet)) == packet


@pytest.mark.parametrize("packet", [b"", bytes(7), b"\x21\x00"])
def test_what_cannot_travel_is_refused(packet):
    with pytest.raises(ValueError, match=r"packet has|even"):
        pack(packet)
