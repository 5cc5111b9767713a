"""Writes the recording that was previewed: how long, which seed, in which form."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from syntalos_miniscope.simulation.batch import simulate_to
from syntalos_miniscope.simulation.cost import Kept, cost
from syntalos_miniscope_ui.studio.model import Studio
from syntalos_miniscope_ui.worker import Generation

FORMS: dict[str, Kept] = {
    "zarr: movie and truth": "zarr",
    "mkv: video, lossless": "mkv",
    "avi: video": "avi",
}


class GeneratePanel(QWidget):
    """Length, rate, seed, form, an estimate, a bar, and a way to stop."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self.generation: Generation | None = None
        self.duration_s, self.fps = QDoubleSpinBox(), QDoubleSpinBox()
        self.duration_s.setRange(0.5, 86_400)
        self.duration_s.setSuffix(" s")
        self.fps.setRange(0.5, 200)
        self.fps.setSuffix(" Hz")
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.form = QComboBox()
        self.form.addItems(list(FORMS))
        for box in (self.duration_s, self.fps):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._timing)
        self.seed.valueChanged.connect(lambda seed: self._studio.set_seed(seed))
        self.form.currentTextChanged.connect(self.refresh)
        self.estimate = QLabel()
        self.estimate.setWordWrap(True)
        self.write = QPushButton("Generate…")
        self.write.setToolTip("Pick a file and write the whole field")
        self.write.clicked.connect(self._ask)
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("End here; what was rendered is kept")
        self.stop.setEnabled(False)
        self.stop.clicked.connect(self._cancel)
        self.bar = QProgressBar()
        self.bar.hide()
        self.word = QLabel()
        self.word.setWordWrap(True)
        rows = QFormLayout()
        for title, widget, tip in (
            ("Length", self.duration_s, "Of the recording"),
            ("Frame rate", self.fps, "Bursts are set per frame: another rate fires otherwise"),
            ("Seed", self.seed, "Another number is another animal"),
            ("Form", self.form, "Only zarr keeps the truth; a video is small"),
        ):
            widget.setToolTip(tip)
            rows.addRow(title, widget)
        buttons = QHBoxLayout()
        buttons.addWidget(self.write)
        buttons.addWidget(self.stop)
        layout = QVBoxLayout(self)
        layout.addLayout(rows)
        layout.addWidget(self.estimate)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.word)
        layout.addStretch(1)
        self.refresh()

    def refresh(self) -> None:
        """Show what the studio has now, and what it will take."""
        spec = self._studio.spec
        for box, value in (
            (self.duration_s, spec.acquisition.duration_s),
            (self.fps, spec.acquisition.fps),
            (self.seed, spec.seed),
        ):
            box.blockSignals(True)
            box.setValue(value)  # pyright: ignore[reportArgumentType]
            box.blockSignals(False)
        self.estimate.setText(f"About {cost(spec, FORMS[self.form.currentText()])}.")

    def generate(self, file: Path) -> None:
        """Begin to write; the Spec as it stands now."""
        spec = self._studio.spec
        self.write.setEnabled(False)
        self.stop.setEnabled(True)
        self.bar.setRange(0, 0)
        self.bar.show()
        self.word.setText("Setting up …")
        self.generation = Generation(
            self, lambda told: simulate_to(spec, file, on_frame=told), self.bar, self.word
        )
        self.generation.ended.connect(self._ended)
        self.generation.start()

    @property
    def busy(self) -> bool:
        """Whether a recording is being written."""
        return self.stop.isEnabled()

    def close_down(self) -> None:
        """Stop what is being written, and wait for it."""
        if self.generation is not None:
            self.generation.cancel()
            self.generation.join()

    def _timing(self) -> None:
        acquisition = self._studio.spec.acquisition
        timing = {"duration_s": self.duration_s.value(), "fps": self.fps.value()}
        try:
            self._studio.change("acquisition", acquisition.model_copy(update=timing))
        except ValueError as error:
            self.word.setText(str(error))

    def _ask(self) -> None:
        ending = FORMS[self.form.currentText()]
        name, _ = QFileDialog.getSaveFileName(self, "Write the recording", f"recording.{ending}")
        if name:
            file = Path(name)
            self.generate(file if file.suffix == f".{ending}" else Path(f"{name}.{ending}"))

    def _cancel(self) -> None:
        if self.generation is not None:
            self.generation.cancel()

    def _ended(self, word: str) -> None:
        self.bar.hide()
        self.write.setEnabled(True)
        self.stop.setEnabled(False)
        self.word.setText(word)
