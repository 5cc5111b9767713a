"""Sweeps the focus of a running scope: sharpness over focus, the best plane, the planes to keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyqtgraph as pg
from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from syntalos_miniscope.engine.mailbox import Tap
from syntalos_miniscope.scope import EWL_STEP_UM
from syntalos_miniscope.streams import Frame
from syntalos_miniscope.zstack import save_zstack
from syntalos_miniscope_ui.focus_sweep import FocusSweep
from syntalos_miniscope_ui.viewers.dress import dress_plot


class SweepDialog(QDialog):
    """Turns the focus through `set_ewl` and sees the frames through a tap.

    Closed in the middle of a sweep it puts the focus back where it was.
    """

    def __init__(
        self, parent: QWidget | None, tap: Tap, ewl: int, set_ewl: Callable[[int], None]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sweep the focus")
        self.resize(520, 360)
        self._tap = tap
        self._before = ewl
        self._set_ewl = set_ewl
        self._sent: int | None = None
        self.sweep: FocusSweep | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(30)
        self._timer.timeout.connect(self._look)
        self.first, self.last = self._box(-127, "From"), self._box(127, "To")
        self.step = self._box(8, "Step")
        self.step.setMinimum(1)
        self.begin = self._button("Sweep", self.start)
        self.best = self._button("Go to the sharpest", self._go_to_best)
        self.save = self._button("Save planes…", self._ask_save)
        self._word = QLabel("Steps of the lens; one is 1.6 µm (nominal).")
        self.plot = pg.PlotWidget(enableMenu=False)
        self.plot.setLabel("bottom", "Focus (steps)")
        self.plot.setLabel("left", "Sharpness")
        self.plot.hideButtons()
        self.plot.setXRange(self.first.value(), self.last.value())
        dress_plot(self.plot, self)
        self._curve = self.plot.plot(
            pen=pg.mkPen("#4F9BE0"), symbol="o", symbolSize=6, symbolPen=None, symbolBrush="#4F9BE0"
        )
        row = QHBoxLayout()
        for title, box in (("From", self.first), ("to", self.last), ("by", self.step)):
            row.addWidget(QLabel(title))
            row.addWidget(box)
        row.addStretch(1)
        for button in (self.begin, self.best, self.save):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._word)
        self._offer(done=False)

    def start(self) -> None:
        """Begin, from the first step to the last."""
        steps = range(self.first.value(), self.last.value() + 1, self.step.value())
        if not steps:
            self._word.setText("The first step must not be above the last.")
            return
        self._tap.take()
        self._sent = None
        self.sweep = FocusSweep(steps)
        self._offer(done=False)
        self.begin.setEnabled(False)
        self._timer.start()
        self._look()

    def _look(self) -> None:
        assert self.sweep is not None
        if self._sent is not None:
            self.sweep.take(item for item in self._tap.take() if isinstance(item, Frame))
        figures = self.sweep.sharpness
        self._curve.setData(
            range(self.first.value(), self.last.value() + 1, self.step.value())[: len(figures)],
            figures,
        )
        wanted = self.sweep.ewl
        if wanted is None:
            self._end()
        elif wanted != self._sent:
            self._sent = wanted
            self._set_ewl(wanted)
            self._word.setText(f"At step {wanted:+d} ({wanted * EWL_STEP_UM:+.0f} µm) …")

    def _end(self) -> None:
        assert self.sweep is not None
        self._timer.stop()
        self._set_ewl(self._before)
        stack = self.sweep.stack()
        self._word.setText(f"Sharpest at step {stack.best_ewl:+d} ({stack.best_um:+.0f} µm).")
        self._offer(done=True)

    def _offer(self, *, done: bool) -> None:
        self.begin.setEnabled(True)
        self.best.setEnabled(done)
        self.save.setEnabled(done)

    def _go_to_best(self) -> None:
        assert self.sweep is not None
        self._before = self.sweep.stack().best_ewl
        self._set_ewl(self._before)

    def _ask_save(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Save planes and projections in")
        if folder:
            self.save_in(Path(folder) / "zstack")

    def save_in(self, folder: Path) -> None:
        """Write the planes, their projections and the table of their sharpness."""
        assert self.sweep is not None
        try:
            save_zstack(self.sweep.stack(), folder)
            self._word.setText(f"Saved in {folder}")
        except OSError as error:
            QMessageBox.warning(self, "Sweep the focus", f"{folder}: {error}")

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop, with the focus where it was."""
        if self._timer.isActive():
            self._timer.stop()
            self._set_ewl(self._before)
        super().closeEvent(event)

    def _box(self, value: int, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(-127, 127)
        box.setValue(value)
        box.setAccessibleName(name)
        return box

    def _button(self, text: str, do: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: do())
        return button
