"""Hands a recording on: which one, as what, and where to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from syntalos_miniscope.recording.export import Progress, Target, export_recording
from syntalos_miniscope.recording.quaternion_table import TableColumns
from syntalos_miniscope_ui.panels.text_fields import PathKnob
from syntalos_miniscope_ui.worker import Generation


@dataclass(frozen=True, slots=True)
class Form:
    """What a recording can become; `ending` is of its name, without a recording's own."""

    title: str
    words: str
    ending: str


FORMS: Mapping[Target, Form] = {
    "csv": Form(
        "Tables (CSV)",
        "Orientation, frame times and notes, for a spreadsheet or pandas. "
        "A name that ends in .csv is the orientation alone.",
        "-tables",
    ),
    "daq": Form("DAQ folder", "As the Miniscope DAQ software: minian, CaImAn, neuroconv.", "-daq"),
    "edl": Form("Syntalos folder (EDL)", "As Syntalos writes it, for edlio.", "-edl"),
    "zarr": Form("zarr", "One array, with the truth of a simulated brain where known.", ".zarr"),
    "nwb": Form("NWB", "Neurodata Without Borders; needs the extra [nwb].", ".nwb"),
}
COLUMNS = {
    "euler": ("Euler angles", "Roll, pitch and yaw in degrees"),
    "join_frames": ("Frame numbers", "The frame that each sample belongs to"),
    "validity": ("Validity", "1 or 0, and a row also where the sensor gave nothing"),
}


class ExportDialog(QDialog):
    """Writes away from the window; nothing is overwritten, and the recording is not touched."""

    def __init__(self, parent: QWidget | None, recording: Path | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export a recording")
        self.setMinimumWidth(560)
        self.generation: Generation | None = None
        self.recording = PathKnob()
        self.recording.show_value(recording or "")
        self.recording.changed.connect(self._propose)
        self.form = QComboBox()
        for target, form in FORMS.items():
            self.form.addItem(form.title, target)
        self.form.currentIndexChanged.connect(self._propose)
        self.words = QLabel()
        self.words.setEnabled(False)
        self.words.setWordWrap(True)
        self.columns = {name: QCheckBox(title) for name, (title, _) in COLUMNS.items()}
        for name, (_, tip) in COLUMNS.items():
            self.columns[name].setToolTip(tip)
        self.out = QLineEdit()
        self.bar = QProgressBar()
        self.bar.hide()
        self.word = QLabel()
        self.word.setWordWrap(True)
        self.word.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.write = QPushButton("Export")
        self.write.clicked.connect(self.begin)
        self.stop = QPushButton("Stop")
        self.stop.clicked.connect(self._cancel)
        self.stop.setEnabled(False)
        self._lay_out()
        self._propose()

    @property
    def busy(self) -> bool:
        """Whether a recording is being written."""
        return self.stop.isEnabled()

    def begin(self) -> None:
        """Begin to write."""
        source, out = Path(self.recording.value()).expanduser(), Path(self.out.text()).expanduser()
        if not self.recording.value() or not self.out.text().strip():
            self.word.setText("Pick the folder or file of a recording first.")
            return
        target: Target = self.form.currentData()
        columns = TableColumns(**{name: box.isChecked() for name, box in self.columns.items()})

        def write(told: Progress) -> str:
            remarks = export_recording(source, target, out, columns=columns, progress=told)
            return "\n".join((str(out), *(f"Mind: {remark}" for remark in remarks)))

        self._offer(busy=True)
        self.bar.setRange(0, 0)
        self.word.setText("Reading …")
        self.generation = Generation(
            self, write, self.bar, self.word, "the same export goes on from there"
        )
        self.generation.ended.connect(self._ended)
        self.generation.start()

    def _lay_out(self) -> None:
        boxes = QHBoxLayout()
        for box in self.columns.values():
            boxes.addWidget(box)
        boxes.addStretch(1)
        rows = QFormLayout()
        rows.addRow("Recording", self.recording)
        rows.addRow("As", self.form)
        rows.addRow("", self.words)
        rows.addRow("Also", boxes)
        rows.addRow("Into", self.out)
        for widget, name in ((self.form, "As"), (self.out, "Into"), (self.recording, "Recording")):
            widget.setAccessibleName(name)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (self.write, self.stop):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(rows)
        layout.addWidget(self.bar)
        layout.addWidget(self.word)
        layout.addLayout(buttons)

    def _propose(self) -> None:
        """Say what the chosen form is for, and name a place beside the recording."""
        target: Target = self.form.currentData()
        form = FORMS[target]
        self.words.setText(form.words)
        for box in self.columns.values():
            box.setEnabled(target == "csv")
        if self.recording.value():
            source = Path(self.recording.value())
            self.out.setText(str(source.with_name(f"{source.stem}{form.ending}")))

    def _offer(self, *, busy: bool) -> None:
        self.bar.setVisible(busy)
        self.write.setEnabled(not busy)
        self.stop.setEnabled(busy)

    def _cancel(self) -> None:
        if self.generation is not None:
            self.generation.cancel()

    def _ended(self, word: str) -> None:
        self._offer(busy=False)
        self.word.setText(word)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop what is being written, and wait for it."""
        if self.generation is not None:
            self.generation.cancel()
            self.generation.join()
        super().closeEvent(event)
