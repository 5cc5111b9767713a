"""Settings of a module: kept as bytes with a version, and refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from host import NODES, Host, saved


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory):
    with Host(NODES / "slow", tmp_path_factory.mktemp("slow")) as started:
        started.wait_ready()
        yield started


def test_settings_come_back_as_they_were_saved(module: Host) -> None:
    assert json.loads(module.save()) == {
        "format": 1, "node": "slow", "settings": {"work_ms": 50.0, "fails_at": -1}
    }  # fmt: skip
    assert module.load(saved("slow", {"work_ms": 3.5}))
    kept = module.save()
    assert json.loads(kept)["settings"]["work_ms"] == 3.5
    assert module.load(saved("slow", {})) and module.load(kept)
    assert module.save() == kept


def test_no_settings_at_all_are_the_defaults(module: Host) -> None:
    assert module.load(saved("slow", {"work_ms": 3.5}))
    assert module.load(b"")
    assert json.loads(module.save())["settings"]["work_ms"] == 50.0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x01 not settings", "not JSON"),
        (b"[]", 'an object with "format"'),
        (b'{"format": 9, "node": "slow", "settings": {}}', "format is 9"),
        (saved("stabilise", {}), "belong to a 'stabilise'"),
        (saved("slow", {"work_ms": -1}), "work_ms: Input should be greater than or equal to 0"),
        (saved("slow", {"worms": 1}), "worms: Extra inputs are not permitted"),
    ],
    ids=["bytes", "list", "newer", "other node", "out of bounds", "unknown"],
)
def test_bad_settings_refuse_the_run_in_words_and_are_not_lost(
    module: Host, data: bytes, words: str
) -> None:
    module.errors.clear()
    assert module.load(data)
    assert not module.prepare("refused")
    assert len(module.errors) == 1 and words in module.errors[0]
    assert "the settings of this box cannot be used" in module.log()
    assert module.save() == data
    assert module.load(saved("slow", {}))
    assert module.prepare(f"mended-{abs(hash(data))}")
    module.stop()


def test_a_long_error_is_cut_to_what_the_link_takes(host: Callable[..., Host]) -> None:
    started = host(NODES / "slow")
    assert started.load(b'{"format": "%s"}' % ("ä" * 4000).encode())
    assert not started.prepare()
    assert len(started.errors) == 1 and len(started.errors[0].encode()) <= 2048


def test_two_boxes_of_one_kind_keep_apart(host: Callable[..., Host]) -> None:
    names: list[set[str]] = []
    for number in (0, 1):
        instance = {"SYNTALOS_MODULE_ID": f"ticker_{number}"}
        module = host(NODES / "ticker", environment=instance)
        module.run(0.2)
        proposed = {about["data_name_proposal"] for about in module.metadata.values()}
        names.append(proposed | {path.name for path in (module.folder / "run").glob("*-*")})
    assert len(names[0]) == len(names[1]) == 5 and not names[0] & names[1]
