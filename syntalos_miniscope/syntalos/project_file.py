"""Projects for Syntalos (`.syct`): a scope wired to Syntalos's own recorder, canvas and tables.

The format is that of Syntalos 3: a plain tar of TOML files, a folder for each module.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from syntalos_miniscope.syntalos.places import SyntalosError

FORMAT = "1"


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """One module: `subscriptions` maps its inputs to the name and output of another."""

    id: str
    name: str
    subscriptions: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings of a module of Syntalos's own."""
    data: bytes = b""
    """Settings of a Python module, as it saves them."""


def scope_project(source: ModuleEntry) -> list[ModuleEntry]:
    """Wire a scope as Syntalos's manual shows it: raw frames recorded, display frames displayed."""
    name = source.name
    recorder = {
        "video_codec": 2,  # FFV1
        "video_container": 1,  # Matroska
        "lossless": True,
        "exact_colors": False,
        "vaapi_enabled": False,
        "mode": "constant-quality",
        "quality": 0,
        "video_name_from_source": True,
        "save_timestamps": True,
        "slices_enabled": False,
        "deferred_encode_enabled": False,
    }
    table = {
        "use_name_from_source": True,
        "data_name": "",
        "save_data": True,
        "display_data": True,
    }
    signal_in = {"id": "default-float-in", "title": "Float 1", "data_type": "SignalBlockF32"}
    plot = {
        "ports_in": [signal_in],
        "channels": [],
        "graphs": [],
        "settings_panel_visible": False,
        "update_frequency": 60,
        "buffer_size": 512,
    }
    return [
        source,
        ModuleEntry(
            "videorecorder", "Raw Recorder", {"frames-in": (name, "frames-raw-out")}, recorder
        ),
        ModuleEntry("canvas", "Canvas", {"frames-in": (name, "frames-disp-out")}),
        ModuleEntry("table", "Orientation Table", {"rows": (name, "bno-tab-out")}, table),
        ModuleEntry(
            "plot-timeseries",
            "Orientation Plot",
            {"default-float-in": (name, "bno-raw-out")},
            plot,
        ),
    ]


def write_project(
    file: Path, modules: Sequence[ModuleEntry], *, export_dir: Path, experiment: str
) -> None:
    """Write a project; SyntalosError if it cannot be written, or a wire leads nowhere."""
    names = [module.name for module in modules]
    for module in modules:
        for source, _ in module.subscriptions.values():
            if source not in names:
                raise SyntalosError(f"'{module.name}' is wired to '{source}', which is not there")
    main = {
        "version_format": FORMAT,
        "export_base_dir": str(export_dir),
        "experiment_id": experiment,
        "storage": {
            "order": ["subject-id", "time", "experiment-id"],
            "clock_time_in_dir": False,
            "simple_names": True,
            "flat_root": False,
        },
    }
    try:
        with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
            _add(tar, "main.toml", _toml(main))
            for number, module in enumerate(modules):
                _add_module(tar, f"{number:03d}-{module.id}", module)
    except OSError as error:
        raise SyntalosError(f"cannot write {file}: {error.strerror}") from error


def _add_module(tar: tarfile.TarFile, folder: str, module: ModuleEntry) -> None:
    info: dict[str, Any] = {
        "id": module.id,
        "name": module.name,
        "enabled": True,
        "stop_on_failure": True,
        "subscriptions": {port: list(source) for port, source in module.subscriptions.items()},
    }
    entry = tarfile.TarInfo(folder)
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, int(time.time())
    tar.addfile(entry)
    _add(tar, f"{folder}/info.toml", _toml(info))
    if module.settings:
        _add(tar, f"{folder}/{module.id}.toml", _toml(module.settings))
    if module.data:
        _add(tar, f"{folder}/{module.id}.dat", module.data)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(data), 0o644, int(time.time())
    tar.addfile(entry, io.BytesIO(data))


def _toml(values: Mapping[str, Any]) -> bytes:
    return tomli_w.dumps(values).encode("utf-8")
