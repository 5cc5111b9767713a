"""What a run says of itself: how it ended, what its wires carried and dropped, what was counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from syntalos_miniscope.recording.edl_tree import open_unit

REPORT = "report.json"


class _Input(BaseModel):
    port: str
    source: str = Field(alias="from")
    items: int
    dropped: int


class _Node(BaseModel):
    id: str
    counters: dict[str, int] = {}
    notes: list[str] = []
    inputs: list[_Input] = []


class _Report(BaseModel):
    exit_reason: str | None = None
    error: str | None = None
    length_s: float | None = None
    nodes: list[_Node] = []


@dataclass(frozen=True, slots=True)
class WireInfo:
    """What one wire of a run delivered and dropped; `source` and `target` are `node.port`."""

    source: str
    target: str
    items: int
    dropped: int


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What `run_info` found in the folder of a run."""

    path: str
    success: bool | None
    """False for a run that failed, was killed, or still goes on; None if it is not told."""
    exit_reason: str | None
    """As in the run report; None if the run left none."""
    error: str | None
    length_s: float | None
    wires: list[WireInfo]
    counters: dict[str, dict[str, int]]
    """What each node counted, zeros left out."""
    notes: list[str]
    """What each node noted, with its name."""

    @property
    def killed(self) -> bool:
        """Whether it was killed, unless it still goes on; what came last may then be lost."""
        return self.success is False and self.exit_reason is None

    def to_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return asdict(self)


def run_info(path: Path) -> RunInfo | None:
    """Read what a run says of itself; None if a folder is not that of a run.

    A report that is not sound is told in `error`. RecordingError if the manifest is not sound.
    """
    if not (path / "manifest.toml").is_file():
        return None
    unit = open_unit(path)
    if unit.kind != "collection":
        return None
    report, fault = _Report(), None
    file = path / REPORT
    if file.is_file():
        try:
            report = _Report.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            fault = f"{REPORT} is not sound"
    length_ms = unit.attributes.get("recording_length_msec")
    length_s = length_ms / 1000 if isinstance(length_ms, int | float) else None
    return RunInfo(
        path=str(path),
        success=success if isinstance(success := unit.attributes.get("success"), bool) else None,
        exit_reason=report.exit_reason,
        error=fault or report.error,
        length_s=length_s if report.length_s is None else report.length_s,
        wires=[
            WireInfo(wire.source, f"{node.id}.{wire.port}", wire.items, wire.dropped)
            for node in report.nodes
            for wire in node.inputs
        ],
        counters={
            node.id: counted
            for node in report.nodes
            if (counted := {name: count for name, count in node.counters.items() if count})
        },
        notes=[f"{node.id}: {text}" for node in report.nodes for text in node.notes],
    )


def run_lines(run: RunInfo) -> list[str]:
    """Give the lines in which a person reads it."""
    ended = run.exit_reason or ("finished" if run.success else "not told")
    if run.killed:
        ended = "not in order: the program was killed, or the run still goes on"
    length = "" if run.length_s is None else f" after {run.length_s:.3f} s"
    error = f": {run.error}" if run.error else ""
    lines = [f"Run          {run.path}", f"Ended        {ended}{length}{error}"]
    if run.wires:
        dropped = sum(wire.dropped for wire in run.wires)
        lines.append(f"Wires        {len(run.wires)}, {dropped or 'nothing'} dropped")
    lines += [
        f"             {wire.source} → {wire.target}: {wire.dropped} dropped, {wire.items} carried"
        for wire in run.wires
        if wire.dropped
    ]
    lines += [
        f"Counted      {node}: " + ", ".join(f"{count} {name}" for name, count in counted.items())
        for node, counted in run.counters.items()
    ]
    return lines + [f"Noted        {note}" for note in run.notes]
