"""The first minutes: what one may begin with, above the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QToolButton

from syntalos_miniscope.project import Box, Project, Wire

CARDS = (
    ("rehearsal", "Rehearse", "A simulated scope, wired as a real one would be. Press Run."),
    ("real-recording", "Play a recording", "A folder of Syntalos or DAQ, or a video, as if live."),
    ("miniscope", "Connect a Miniscope", "A V4 scope to a recorder and a canvas."),
    ("empty", "Empty canvas", "Add boxes from the left, then pull wires between their flags."),
)  # fmt: skip


class StartStrip(QFrame):
    """Four cards and the last projects. `picked` carries the name of a card."""

    picked = Signal(str)
    recent_picked = Signal(str)
    dismissed = Signal()

    def __init__(self, recent: Sequence[Path], *, has_miniscope: bool) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        outer = QHBoxLayout(self)
        cards = QGridLayout()
        cards.setHorizontalSpacing(10)
        for column, (name, title, words) in enumerate(CARDS):
            button = QPushButton(title)
            button.setObjectName(f"start-{name}")
            button.clicked.connect(lambda _=False, name=name: self.picked.emit(name))
            button.setToolTip(words)
            label = QLabel(words)
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            if name == "miniscope" and not has_miniscope:
                button.setEnabled(False)
                label.setText("This installation has no Miniscope driver.")
            cards.addWidget(button, 0, column)
            cards.addWidget(label, 1, column)
            cards.setColumnStretch(column, 1)
        outer.addLayout(cards, 1)
        if recent:
            outer.addWidget(self._recent(recent))
        close = QToolButton()
        close.setText("✕")
        close.setAutoRaise(True)
        close.setToolTip("Put this away; Help brings it back")
        close.clicked.connect(self.dismissed)
        outer.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)

    def _recent(self, recent: Sequence[Path]) -> QLabel:
        links = "<br>".join(
            f'<a href="{escape(str(path))}">{escape(path.stem)}</a>' for path in recent[:3]
        )
        label = QLabel(f"<b>Last projects</b><br>{links}")
        label.linkActivated.connect(self.recent_picked)
        return label


MINISCOPE = Project(
    title="Miniscope",
    nodes=(
        Box(id="scope", type="miniscope_v4", title="Miniscope", position=(0, 96)),
        Box(id="recorder", type="video_recorder", title="Recorder", position=(352, 0)),
        Box(id="canvas", type="canvas", title="Canvas", position=(352, 208)),
    ),
    wires=(
        Wire.model_validate({"from": "scope.frames-raw-out", "to": "recorder.frames-in"}),
        Wire.model_validate({"from": "scope.frames-disp-out", "to": "canvas.frames-in"}),
    ),
)
"""A scope wired as it should be: raw frames kept, display frames seen."""
