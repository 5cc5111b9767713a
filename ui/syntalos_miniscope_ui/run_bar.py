"""The bar on top: run, stop, whose experiment it is, where it goes, how long it may last."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

from PySide6.QtCore import QPointF, QRectF, QSettings, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF
from PySide6.QtWidgets import (
    QFileDialog,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from syntalos_miniscope.engine.run import RunOptions, default_export_dir
from syntalos_miniscope_ui.checks import free_bytes, kept_bytes
from syntalos_miniscope_ui.running import Phase, RunState
from syntalos_miniscope_ui.theme import Theme

DISK_EVERY_S = 1.0


class RunBar(QToolBar):
    """What a person sets and reads about a run. It remembers names and folder."""

    run_asked = Signal(bool)
    """Run; whether to record."""
    stop_asked = Signal()

    def __init__(self, settings: QSettings, theme: Theme) -> None:
        super().__init__("Run")
        self.setObjectName("run-bar")
        self.setMovable(False)
        self._settings = settings
        self._look_s = 0.0
        self._disk: list[str] = []
        self._looking = Thread()
        self.run = self._button("Run", "Check, then run and record (F5)")
        self.run.clicked.connect(lambda: self.run_asked.emit(True))
        self.preview = self._button("Preview", "Run without recording (Shift+F5)")
        self.preview.clicked.connect(lambda: self.run_asked.emit(False))
        self.stop = self._button("Stop", "End the run and close its files (Shift+Esc)")
        self.stop.clicked.connect(self.stop_asked)
        self.addSeparator()
        self.subject = self._line("Subject", "run/subject", 110, "Whose brain it is")
        self.experiment = self._line(
            "Experiment", "run/experiment", 130, "Names the folder of the run"
        )
        self.folder = self._line(
            "Export folder", "run/folder", 200, "Where runs go, by subject, day and experiment"
        )
        self.folder.setPlaceholderText(str(default_export_dir()))
        pick = QToolButton()
        pick.setText("…")
        pick.setToolTip("Pick the export folder")
        pick.clicked.connect(self._pick)
        self.addWidget(pick)
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(gap)
        self.clock = QLabel()
        self.clock.setToolTip("Length of the run, free disk, and how long it lasts at this rate")
        self.clock.setContentsMargins(8, 0, 8, 0)
        self.addWidget(self.clock)
        self.set_theme(theme)
        self.show_phase("idle", has_sources=True)

    def set_theme(self, theme: Theme) -> None:
        """Colour the signs on the buttons."""
        self.run.setIcon(_sign("run", theme.good))
        self.preview.setIcon(_sign("run", theme.selected))
        self.stop.setIcon(_sign("stop", theme.bad))

    def options(self, *, record: bool) -> RunOptions:
        """Give what the fields say."""
        return RunOptions(
            export_dir=self.export_dir,
            subject=self.subject.text().strip(),
            experiment=self.experiment.text().strip(),
            record=record,
        )

    def fill(self, options: RunOptions) -> None:
        """Take the names and the folder that were given; what was not stays as remembered."""
        given = options.export_dir != default_export_dir()
        folder = str(options.export_dir.absolute()) if given else ""
        texts = (options.subject, options.experiment, folder)
        for line, text in zip((self.subject, self.experiment, self.folder), texts, strict=True):
            if text:
                line.setText(text)

    @property
    def export_dir(self) -> Path:
        """The folder that runs go to."""
        typed = self.folder.text().strip()
        return Path(typed).expanduser() if typed else default_export_dir()

    def show_phase(self, phase: Phase, *, has_sources: bool) -> None:
        """Offer what can be done now."""
        idle = phase == "idle"
        for button in (self.run, self.preview):
            button.setEnabled(idle and has_sources)
        self.stop.setEnabled(phase in ("preparing", "running"))
        for line in (self.subject, self.experiment, self.folder):
            line.setEnabled(idle)

    def show_clock(self, state: RunState, kept_in: Path | None) -> None:
        """Show the length of the run, the free disk, and how long it lasts at the run's rate."""
        if time.monotonic() >= self._look_s and not self._looking.is_alive():
            self._look_s = time.monotonic() + DISK_EVERY_S
            # A disk on the network may take its time to answer.
            look = (self.export_dir, kept_in if state.phase == "running" else None, state.elapsed_s)
            self._looking = Thread(target=self._look, args=look, name="disk", daemon=True)
            self._looking.start()
        words = {"preparing": "preparing …", "stopping": "stopping …"}
        minutes, seconds = divmod(int(state.elapsed_s), 60)
        now = f"{minutes:02d}:{seconds:02d}" if state.phase == "running" else ""
        parts = [words.get(state.phase, now), *self._disk]
        self.clock.setText("   ·   ".join(part for part in parts if part))

    def _look(self, folder: Path, kept_in: Path | None, elapsed_s: float) -> None:
        free = free_bytes(folder)
        words = [] if free is None else [f"{free / 2**30:,.1f} GiB free"]
        if free is not None and kept_in is not None:
            words.append(minutes_left(kept_bytes(kept_in), elapsed_s, free))
        self._disk = words

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.addWidget(button)
        return button

    def _line(self, name: str, key: str, width: int, tip: str) -> QLineEdit:
        label = QLabel(name)
        label.setContentsMargins(8, 0, 4, 0)
        line = QLineEdit(str(self._settings.value(key, "")))
        line.setFixedWidth(width)
        line.setAccessibleName(name)
        line.setToolTip(tip)
        line.textChanged.connect(lambda text: self._settings.setValue(key, text))
        label.setBuddy(line)
        self.addWidget(label)
        self.addWidget(line)
        return line

    def _pick(self) -> None:
        picked = QFileDialog.getExistingDirectory(self, "Export folder", str(self.export_dir))
        if picked:
            self.folder.setText(picked)


def minutes_left(written: int, elapsed_s: float, free: int) -> str:
    """Say how long the disk lasts at the rate of the run so far; empty before that is known."""
    if written <= 0 or elapsed_s < 5:
        return ""
    minutes = free / (written / elapsed_s) / 60
    return "more than a day left" if minutes > 1440 else f"{minutes:,.0f} min left"


def _sign(kind: str, colour: str) -> QIcon:
    icon = QIcon()
    for mode, shade in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, "#808890")):
        picture = QPixmap(32, 32)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(shade))
        if kind == "run":
            painter.drawPolygon(QPolygonF([QPointF(8, 5), QPointF(27, 16), QPointF(8, 27)]))
        else:
            painter.drawRoundedRect(QRectF(7, 7, 18, 18), 2, 2)
        painter.end()
        icon.addPixmap(picture, mode)
    return icon
