"""The live view of frames: zoom, pixel value, histogram, colours, saturation, regions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QLabel,
    QMenu,
    QMessageBox,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from syntalos_miniscope.display import SATURATED
from syntalos_miniscope.streams import Control, ControlKind, Frame
from syntalos_miniscope_ui.dialogs import ask, to_save
from syntalos_miniscope_ui.viewers.limits import LimitsBar
from syntalos_miniscope_ui.viewers.picture import COLOURS, Pace, as_bytes, colour_table
from syntalos_miniscope_ui.viewers.rois import RoiLayer

HISTOGRAM_EVERY_S = 0.25
MARGIN: Any = 0.01
SURROUND = "#15181B"
"""Around the picture, in every theme, so that the eye judges brightness alike."""


class FrameView(QWidget):
    """Draws the newest frame it is given, and says how many it was not given."""

    port_depth = 1
    rois_saved = Signal(str)
    """Regions were saved: the file."""

    def __init__(self) -> None:
        super().__init__()
        self._frame: Frame | None = None
        self._grey: Any = None
        self._full_scale = 65535
        self._frozen = False
        self._shown = 0
        self._steps = 0
        self._figures = ""
        self._shown_pace, self._sent_pace = Pace(), Pace()
        self._unseen = 0
        self._histogram_s = 0.0
        self._mouse: QPointF | None = None
        self._image = pg.ImageItem(axisOrder="row-major")
        self._box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        self._box.addItem(self._image)
        self._plot = pg.GraphicsView()
        self._plot.setBackground(SURROUND)
        self._plot.setCentralItem(self._box)
        scene: Any = self._plot.scene()
        scene.sigMouseMoved.connect(self._moved)
        self.rois = RoiLayer(self._box, self._show_roi_count)
        self._levels = LimitsBar()
        self._levels.moved.connect(self._recolour)
        self._levels.pulled.connect(lambda: self.auto.setChecked(False))
        self._line = QLabel("No frames yet")
        self._line.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self._line.setContentsMargins(6, 2, 6, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._tools())
        layout.addWidget(self._plot, 1)
        layout.addWidget(self._levels)
        layout.addWidget(self._line)
        self.setMinimumSize(240, 240)
        self._recolour()

    # What it is given

    def begin(self, metadata: Mapping[str, Any]) -> None:
        """Get ready for a stream."""
        self._full_scale = int(metadata.get("full_scale", 65535))
        self._shown_pace, self._sent_pace = Pace(), Pace()
        self._shown = 0
        self._frozen = False
        size = metadata.get("size")
        if isinstance(size, Sequence) and len(size) == 2:
            self._box.setRange(xRange=(0, size[0]), yRange=(0, size[1]), padding=MARGIN)

    def show_items(self, items: Sequence[Frame], seen: int, unseen: int) -> None:
        """Draw the last of these frames; `seen` and `unseen` count the stream so far."""
        now_s = time.monotonic()
        self._unseen = unseen
        self._sent_pace.count(now_s, seen)
        if items and (not self._frozen or self._steps):
            self._steps = 0
            self._draw(items[-1])
            self._shown += 1
        self._shown_pace.count(now_s, self._shown)
        if now_s - self._histogram_s > HISTOGRAM_EVERY_S:
            self._histogram_s = now_s
            self._show_histogram()
            self._show_line()

    def obey(self, command: Control) -> None:
        """Freeze, go on, or take one step, as a command to the canvas asks."""
        self._steps = int(command.kind is ControlKind.STEP)
        self.freeze.setChecked(command.kind is not ControlKind.START)

    @property
    def frame(self) -> Frame | None:
        """The frame that is shown."""
        return self._frame

    @property
    def shown_per_s(self) -> float:
        """How many frames are drawn in a second."""
        return self._shown_pace.per_s

    def _draw(self, frame: Frame) -> None:
        first = self._frame is None or self._frame.mat.shape[:2] != frame.mat.shape[:2]
        self._frame = frame
        if frame.mat.ndim == 3:
            self._grey = None
            self._image.setImage(frame.mat[..., ::-1], levels=None, lut=None, autoLevels=False)
        else:
            coloured = self._grey is None
            self._grey = as_bytes(frame.mat, self._full_scale)
            self._image.setImage(self._grey, autoLevels=False, levels=(0, 255))
            if coloured:
                self._recolour()
        if first:
            self._fit()

    # Its parts

    def _tools(self) -> QToolBar:
        bar = QToolBar()
        self.colours = QComboBox()
        self.colours.addItems(COLOURS)
        self.colours.setToolTip("Colours of grey frames")
        self.colours.currentTextChanged.connect(self._recolour)
        bar.addWidget(self.colours)
        self.saturation = self._action(bar, "Saturation", "Paint saturated pixels red", True)
        self.saturation.toggled.connect(self._recolour)
        self.auto = self._action(bar, "Auto", "Display limits follow the histogram", True)
        self.auto.setChecked(True)
        full = self._action(bar, "0–255", "Show the whole range")
        full.triggered.connect(self._show_all)
        fit = self._action(bar, "Fit", "Show the whole frame")
        fit.triggered.connect(self._fit)
        self.freeze = self._action(bar, "Freeze", "Hold the picture; the stream goes on", True)
        self.freeze.toggled.connect(self._set_frozen)
        bar.addWidget(self._roi_menu())
        snapshot = self._action(bar, "Snapshot", "Save the picture as PNG")
        snapshot.triggered.connect(self._ask_snapshot)
        return bar

    def _action(self, bar: QToolBar, text: str, tip: str, checkable: bool = False) -> QAction:
        action = QAction(text, self)
        action.setToolTip(tip)
        action.setCheckable(checkable)
        bar.addAction(action)
        return action

    def _roi_menu(self) -> QToolButton:
        self._roi_button = QToolButton()
        self._roi_button.setText("Regions")
        self._roi_button.setToolTip("Regions of interest: draw, save, load")
        self._roi_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self._roi_button)
        for kind in ("rectangle", "ellipse", "polygon"):
            menu.addAction(f"Add {kind}", lambda kind=kind: self._add_roi(kind))
        menu.addSeparator()
        menu.addAction("Save…", self._ask_save_rois)
        menu.addAction("Load…", self._ask_load_rois)
        menu.addAction("Remove all", self.rois.clear)
        self._roi_button.setMenu(menu)
        return self._roi_button

    # What a person does

    def _recolour(self, *_: object) -> None:
        if not hasattr(self, "saturation"):
            return
        low, high = self._levels.limits()
        table = colour_table(self.colours.currentText(), low, high, self.saturation.isChecked())
        if self._frame is None or self._frame.mat.ndim == 2:
            self._image.setLookupTable(table)

    def _show_all(self) -> None:
        self.auto.setChecked(False)
        self._levels.set_limits(0, 255)

    def _fit(self) -> None:
        if self._frame is not None:
            height, width = self._frame.mat.shape[:2]
            self._box.setRange(xRange=(0, width), yRange=(0, height), padding=MARGIN)

    def _set_frozen(self, frozen: bool) -> None:
        self._frozen = frozen
        self._show_line()

    def _add_roi(self, kind: Any) -> None:
        (left, right), (top, bottom) = self._box.viewRange()
        self.rois.add(kind, ((left + right) / 2, (top + bottom) / 2), (right - left) / 8)

    def _show_roi_count(self) -> None:
        count = len(self.rois)
        self._roi_button.setText(f"Regions ({count})" if count else "Regions")

    def _ask_save_rois(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save regions", "rois.json", "JSON (*.json)")
        file = to_save(self, name, "json", ask)
        if file is not None and self._frame is not None:
            height, width = self._frame.mat.shape[:2]
            if self._try(lambda: self.rois.save(file, (width, height))):
                self.rois_saved.emit(str(file))

    def _ask_load_rois(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Load regions", "", "JSON (*.json)")
        if name:
            self._try(lambda: self.rois.load(Path(name)))

    def _ask_snapshot(self) -> None:
        start = f"frame-{self._frame.index}.png" if self._frame else "frame.png"
        name, _ = QFileDialog.getSaveFileName(self, "Save the picture", start, "PNG (*.png)")
        if name:
            self._try(lambda: self.snapshot(Path(name)))

    def snapshot(self, file: Path) -> None:
        """Save the picture as it is coloured, pixel by pixel; ValueError if it cannot be."""
        if self._frame is None:
            raise ValueError("there is no frame to save yet")
        self._image.render()
        file = file if file.suffix == ".png" else file.with_name(f"{file.name}.png")
        picture = self._image.qimage
        if picture is None or not picture.save(str(file)):
            raise ValueError(f"{file}: cannot be written")

    def _try(self, act: Any) -> bool:
        try:
            act()
        except (OSError, ValueError) as error:
            QMessageBox.warning(self, "Canvas", str(error))
            return False
        return True

    # What it says

    def _moved(self, where: QPointF) -> None:
        self._mouse = where
        self._show_line()

    def _show_histogram(self) -> None:
        if self._grey is not None and self._levels.isVisible():
            counts = np.bincount(self._grey[::2, ::2].ravel(), minlength=256)
            if self.auto.isChecked():
                self._levels.follow(counts)
            share = counts[SATURATED:].sum() / max(counts.sum(), 1)
            self._figures = f"{share:.1%} saturated"
            self._levels.show_counts(counts)

    def _show_line(self) -> None:
        if self._frame is None:
            return
        parts = [
            f"{self._shown_pace.per_s:.1f} of {self._sent_pace.per_s:.1f} fps shown",
            f"{self._unseen:,} not shown",
            f"frame {self._frame.index:,}",
            self._figures,
        ]
        if pixel := self._pixel():
            parts.insert(0, pixel)
        if self._frozen:
            parts.insert(0, "frozen")
        self._line.setText("   ·   ".join(part for part in parts if part))

    def _pixel(self) -> str:
        if self._mouse is None or self._frame is None:
            return ""
        at = self._box.mapSceneToView(self._mouse)
        x, y = int(np.floor(at.x())), int(np.floor(at.y()))
        height, width = self._frame.mat.shape[:2]
        if not (0 <= x < width and 0 <= y < height):
            return ""
        value = self._frame.mat[y, x]
        text = str(value) if np.ndim(value) == 0 else "/".join(str(v) for v in value[::-1])
        return f"x {x}  y {y}  =  {text}"
