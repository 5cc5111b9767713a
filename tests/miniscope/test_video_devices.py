"""A user's own device table loads, and its known typos are warned about."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope.miniscope.device_types import device_type
from syntalos_miniscope.miniscope.video_devices import read_video_devices


def i2c(address, register, *data):
    command = {"protocol": "I2C", "addressW": address, "regLength": "1", "reg0": register}
    command["dataLength"] = str(len(data))
    return command | {f"data{at}": value for at, value in enumerate(data)}


def table() -> dict:
    return {
        "WebCam": {"sensor": "", "width": 640, "height": 480, "controlSettings": {}},
        "MyScope": {
            "sensor": "PYTHON480",
            "width": 608,
            "height": 608,
            "pixelClock": 16.6,
            "headOrientation": True,
            "initialize": [
                i2c("0xC0", "0x22", "0b00000010"),
                i2c("0xC0", "0x08", "0b00100000", "0b11101110", "0b10100000", 80),
                i2c("0xFE", "0"),
            ],
            "controlSettings": {
                "led0": {
                    "min": 0,
                    "max": 100,
                    "startValue": 0,
                    "displayValueScale": -2.55,
                    "displayValueOffset": -255,
                    "sendCommand": [
                        i2c("0b00100000", "0x01", "value"),
                        i2c("0x58", 0, 114, "value"),
                    ],
                },
                "frameRate": {
                    "displaySpinBoxValues": ["10FPS", "20FPS"],
                    "displayTextValues": [10, 20],
                    "outputValues": ["0x2710", 5000],
                    "startValue": "20FPS",
                    "sendCommand": [i2c("0x20", "0x05", "0x00", "0xC9", "valueH", "valueL")],
                },
            },
        },
    }


def load(tmp_path, content):
    path = tmp_path / "videoDevices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_video_devices(path)


def test_numbers_of_all_kinds_and_placeholders_load(tmp_path):
    types, warnings = load(tmp_path, table())
    assert list(types) == ["MyScope"]
    assert warnings == []
    mine, shipped = types["MyScope"], device_type("Miniscope_V4_BNO")
    assert [packet.hex(" ") for packet in mine.init] == ["c0 22 02", "c0 08 20 ee a0 50", "fe 00"]
    assert mine.sliders == {"led0": shipped.sliders["led0"]}
    assert mine.choices["frameRate"].commands(0)[0].packet.hex(" ") == "20 05 00 c9 27 10"


def test_the_known_wrong_address_is_warned_about_and_put_right(tmp_path):
    content = table()
    content["MyScope"]["initialize"].append(i2c("0x07", "0x07", "0xB0"))
    types, warnings = load(tmp_path, content)
    assert types["MyScope"].init[-1].hex(" ") == "c0 07 b0"
    assert warnings == ["MyScope: 'addressW' 0x07 in '07 07 B0' is a known typo for 0xC0"]


def test_nine_bits_in_a_byte_and_an_unknown_start_are_warned_about(tmp_path):
    content = table()
    content["MyScope"]["initialize"].append(i2c("0xBA", "0x09", "0x06", "0b100000000"))
    content["MyScope"]["controlSettings"]["frameRate"]["startValue"] = "22FPS"
    types, warnings = load(tmp_path, content)
    assert types["MyScope"].init[-1].hex(" ") == "ba 09 06 00"
    assert [warning.split(": ")[1] for warning in warnings] == [
        "0b100000000 is more than a byte; its low eight bits are sent",
        "startValue '22FPS' is none of 10FPS, 20FPS",
    ]


def test_what_cannot_be_read_names_file_and_entry(tmp_path):
    with pytest.raises(ValueError, match=r"videoDevices\.json: not JSON"):
        load(tmp_path, "{")
    with pytest.raises(ValueError, match=r"videoDevices\.json: not JSON"):
        load(tmp_path, "[" * 100_000)
    content = table()
    del content["MyScope"]["initialize"][0]["data0"]
    with pytest.raises(ValueError, match=r"videoDevices\.json: MyScope: data0 is missing"):
        load(tmp_path, content)
    content = table()
    content["MyScope"]["initialize"].append(i2c("0x21", "0x07", "0xB0"))
    with pytest.raises(ValueError, match="MyScope: addressW 0x21 is no 8-bit write address"):
        load(tmp_path, content)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 70_000),
    st.text(max_size=6),
    st.just([]),
    st.just({}),
)


@given(st.randoms(use_true_random=False), st.lists(ODD, min_size=1, max_size=3))
def test_a_file_with_odd_values_anywhere_loads_or_is_refused_in_one_line(
    tmp_path_factory, chance: random.Random, odd
):
    content = table()
    for value in odd:
        place, key = content, "MyScope"
        while isinstance(place[key], (dict, list)) and place[key] and chance.random() < 0.8:
            place = place[key]
            key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
        place[key] = value
    try:
        load(tmp_path_factory.mktemp("odd"), content)
    except ValueError as refused:
        assert "videoDevices.json" in str(refused)
        assert "\n" not in str(refused)
