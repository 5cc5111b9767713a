"""The window of the studio: knobs on the left, what they make of the recording on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QSpinBox,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from syntalos_miniscope.simulation.presets import ACTIVITY_PRESETS, STUDIO_PRESETS
from syntalos_miniscope_ui import dialogs
from syntalos_miniscope_ui.dialogs import Ask
from syntalos_miniscope_ui.layout import size_first
from syntalos_miniscope_ui.studio.generate_panel import GeneratePanel
from syntalos_miniscope_ui.studio.model import Studio
from syntalos_miniscope_ui.studio.parts_form import PartsForm
from syntalos_miniscope_ui.studio.preview import TRACED, Activity, Preview, activity, preview
from syntalos_miniscope_ui.studio.side_view import DETECTABLE, GIVEN, HIDDEN, SideView
from syntalos_miniscope_ui.viewers.dress import dress_plot
from syntalos_miniscope_ui.viewers.picture import ramp
from syntalos_miniscope_ui.viewers.signals import CURVES
from syntalos_miniscope_ui.worker import Newest

ALL = "all of it"
MOST_TRACED = 60


class StudioWindow(QMainWindow):
    """Three panels on one configuration; what is previewed is what is generated."""

    spec_saved = Signal(str)
    """The Spec was saved: the file."""

    def __init__(
        self, studio: Studio, parent: QWidget | None = None, ask: Ask = dialogs.ask
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.studio = studio
        self._ask = ask
        self.shown: Preview | None = None
        self.setWindowTitle("Studio – Syntalos Miniscope")
        size_first(self, 1400, 900)
        # From the outside in: Qt dresses a part anew each time it is put into another.
        split = QSplitter(Qt.Orientation.Horizontal)
        self.setCentralWidget(split)
        self.tabs = QTabWidget()
        split.addWidget(self.tabs)
        split.addWidget(self._views())
        split.setStretchFactor(1, 1)
        self.traced = QSpinBox()
        self.traced.setRange(1, MOST_TRACED)
        self.traced.setValue(TRACED)
        self.traced.setPrefix("Traces of ")
        self.traced.setSuffix(" cells")
        self.traced.setKeyboardTracking(False)
        self.traced.setToolTip("Whose traces are drawn: the cells nearest to the middle")
        self.traced.valueChanged.connect(self._trace)
        self.anatomy = self._page(
            "Anatomy and scope", STUDIO_PRESETS, studio.use_preset, lambda n: n != "cell_activity"
        )
        self.activity = self._page(
            "Neural activity",
            ACTIVITY_PRESETS,
            studio.use_activity,
            lambda n: n == "cell_activity",
            self.traced,
        )
        self.generate = GeneratePanel(studio)
        self.tabs.addTab(self.generate, "Generate")
        self.tabs.currentChanged.connect(self._make_room)
        self.previews, self.activities = Newest(self), Newest(self)
        self.previews.done.connect(self._show_preview)
        self.previews.failed.connect(self._say)
        self.activities.done.connect(self._show_activity)
        self.activities.failed.connect(self.readout.setText)
        studio.listeners.append(self._changed)
        self._changed()

    def _page(
        self,
        title: str,
        names: Iterable[str],
        use: Callable[[str], None],
        wanted: Callable[[str], bool],
        *above: QWidget,
    ) -> PartsForm:
        page = QWidget()
        self.tabs.addTab(page, title)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(6, 6, 6, 6)
        for name in names:
            button = QPushButton(name)
            button.setToolTip(f"Set all knobs here to {name}")
            button.clicked.connect(lambda _=False, name=name: use(name))
            layout.addWidget(button)
        for widget in above:
            layout.addWidget(widget)
        form = PartsForm(self.studio, wanted, page)
        layout.addWidget(form, 1)
        return form

    def _views(self) -> QWidget:
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.setLookupTable(ramp("grey"))
        box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        box.addItem(self._image)
        self._marks = {
            name: pg.ScatterPlotItem(size=11, brush=None, pen=pg.mkPen(colour, width=1.5))
            for name, colour in (("hidden", HIDDEN), ("detectable", DETECTABLE), ("given", GIVEN))
        }
        self._marks["given"].setSymbol("+")
        for marks in self._marks.values():
            box.addItem(marks)
        self._box = box
        picture = pg.GraphicsView()
        picture.setBackground("#15181B")
        picture.setCentralItem(box)
        self.readout = QLabel("Rendering …")
        self.readout.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.stage = QComboBox()
        self.stage.setToolTip("The last stage of the light's way that is shown")
        self.stage.currentTextChanged.connect(self._changed)
        self.field = QComboBox()
        self.field.addItems(["window of some 350 cells", "whole field"])
        self.field.setToolTip("How much of the picture is shown")
        self.field.currentTextChanged.connect(self._redraw)
        self.mark = QCheckBox("Mark cells")
        self.mark.setToolTip(
            "Ring every cell of the field: green if it is detectable, grey if not. "
            "A cross is where a cell was given."
        )
        self.mark.toggled.connect(self._redraw)
        self.side = SideView()
        self.traces = pg.PlotWidget(enableMenu=False)
        self.traces.setLabel("bottom", "Time", "s")
        self.traces.hideButtons()
        self.traces.hideAxis("left")
        dress_plot(self.traces, self)
        save = QPushButton("Save the Spec…")
        save.setToolTip("Keep everything that is set here, as JSON")
        save.clicked.connect(self._ask_save)
        row = QHBoxLayout()
        for widget in (QLabel("Show up to"), self.stage, self.field, self.mark):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(save)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addLayout(row)
        layout.addWidget(picture, 5)
        layout.addWidget(self.readout)
        layout.addWidget(self.side, 2)
        layout.addWidget(self.traces, 2)
        self._right = layout
        return page

    def _make_room(self) -> None:
        """Give the traces half of the height while it is they that are tuned."""
        tuned = self.tabs.currentWidget().isAncestorOf(self.activity)
        self.side.setHidden(tuned)
        self._right.setStretchFactor(self.traces, 5 if tuned else 2)

    def _changed(self) -> None:
        spec = self.studio.spec
        self.anatomy.refresh()
        self.activity.refresh()
        self.generate.refresh()
        stages = [ALL, *self.studio.stages()]
        if [self.stage.itemText(row) for row in range(self.stage.count())] != stages:
            with QSignalBlocker(self.stage):
                self.stage.clear()
                self.stage.addItems(stages)
        until = None if self.stage.currentText() == ALL else self.stage.currentText()
        self.previews.ask(lambda: preview(spec, until))

    def _trace(self) -> None:
        spec, cells = self.studio.spec, self.traced.value()
        self.activities.ask(lambda: activity(spec, cells))

    def _say(self, text: str) -> None:
        self.readout.setText(text)
        self._trace()

    def _show_preview(self, made: Preview) -> None:
        self.shown = made
        self.readout.setText("\n".join(made.words()))
        self.side.show_preview(made)
        self._redraw()
        # Not at once, so that the picture comes first.
        self._trace()

    def _redraw(self) -> None:
        if self.shown is None:
            return
        whole = self.field.currentIndex() == 1
        picture = self.shown.picture if whole else self.shown.windowed()
        low, high = np.percentile(picture, [0.5, 99.8])
        self._image.setImage(picture, levels=(low, max(high, low + 1e-6)), autoLevels=False)
        self._draw_marks(self.shown, whole)
        self._box.setRange(self._image.boundingRect(), padding=0.01)

    def _draw_marks(self, shown: Preview, whole: bool) -> None:
        top, left, height, width = (0, 0, *shown.picture.shape) if whole else shown.window
        for name, centers in (
            ("hidden", shown.centers_um[~shown.detectable]),
            ("detectable", shown.centers_um[shown.detectable]),
            ("given", shown.given_um),
        ):
            places = shown.to_pixels(centers) - [top, left] + 0.5
            inside = ((places >= 0) & (places <= [height, width])).all(axis=1)
            seen = places[inside] if self.mark.isChecked() or name == "given" else places[:0]
            self._marks[name].setData(seen[:, 1], seen[:, 0])

    def _show_activity(self, made: Activity) -> None:
        self.traces.clear()
        span = np.maximum(np.ptp(made.traces, axis=0), 1e-9)
        for cell in range(made.traces.shape[1]):
            line = (made.traces[:, cell] - made.traces[:, cell].min()) / span[cell] * 0.8 - cell
            self.traces.plot(made.times_s, line, pen=CURVES[cell % len(CURVES)])
            fired = made.times_s[made.spikes[:, cell] > 0]
            ticks = pg.ScatterPlotItem(
                fired, np.full(len(fired), -cell - 0.1), symbol="|", size=6, pen="#8A9299"
            )
            self.traces.addItem(ticks)

    def _ask_save(self) -> bool:
        name, _ = QFileDialog.getSaveFileName(self, "Save the Spec", "spec.json", "JSON (*.json)")
        return bool(name) and self.save(Path(name))

    def save(self, file: Path) -> bool:
        """Write the Spec; from the panel of a simulated scope, that scope takes it."""
        try:
            self.studio.save(file)
        except OSError as error:
            self._ask(self, "The Spec was not saved.", f"{file}: {error.strerror}", ["Close"])
            return False
        self.spec_saved.emit(str(file))
        return True

    def _may_close(self) -> bool:
        """Ask what becomes of a recording that is being written, and of an unsaved Spec."""
        if self.generate.busy:
            answers = ["Stop it", "Cancel"]
            what = "A recording is being written."
            if self._ask(self, what, "What was rendered is kept.", answers) == "Cancel":
                return False
        if self.studio.spec == self.studio.saved:
            return True
        answer = self._ask(
            self, "Save the Spec?", "It is lost otherwise.", ["Save", "Do not save", "Cancel"]
        )
        return self._ask_save() if answer == "Save" else answer == "Do not save"

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Wear other colours, when the window is given some."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange and hasattr(self, "traces"):
            dress_plot(self.traces, self)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask what is to be kept, then end."""
        if not self._may_close():
            event.ignore()
            return
        self.end()
        super().closeEvent(event)

    def end(self) -> None:
        """Stop what is rendered and written, and wait for it; safe to call twice."""
        self.studio.listeners.clear()
        self.generate.close_down()
        self.previews.close()
        self.activities.close()
