"""The row of a scope panel that keeps its knobs as a rig, and brings them back."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from syntalos_miniscope.node import Settings
from syntalos_miniscope_ui import rig_profiles


class RigRow(QWidget):
    """A name and two buttons; `recalled` carries whole settings."""

    recalled = Signal(object)

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.name = QComboBox()
        self.name.setEditable(True)
        self.name.setAccessibleName("Rig")
        self.name.setToolTip("The name of a rig")
        self.name.addItems(rig_profiles.names())
        self.name.setCurrentText("")
        line = self.name.lineEdit()
        assert line is not None
        line.setPlaceholderText("Rig, such as left rig")
        self.recall = QPushButton("Recall")
        self.recall.setToolTip("Turn the knobs to where this rig had them")
        self.recall.clicked.connect(self._recall)
        self.keep = QPushButton("Keep")
        self.keep.setToolTip("Keep the knobs as they are under this name")
        self.keep.clicked.connect(self._keep)
        self.word = QLabel()
        self.word.setWordWrap(True)
        self.word.hide()
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        row.addWidget(self.recall)
        row.addWidget(self.keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.word)

    def lock(self, running: bool) -> None:
        """Recall no rig during a run: some of its knobs are fixed then."""
        self.recall.setEnabled(not running)

    def _recall(self) -> None:
        try:
            self.recalled.emit(rig_profiles.recall(self.name.currentText(), self.settings))
            self._say("")
        except ValueError as error:
            self._say(str(error))

    def _keep(self) -> None:
        name = self.name.currentText()
        try:
            rig_profiles.keep(name, self.settings)
        except (ValueError, OSError) as error:
            self._say(str(error))
            return
        if self.name.findText(name) < 0:
            self.name.addItem(name)
        self._say(f"Kept as {name}")

    def _say(self, text: str) -> None:
        self.word.setText(text)
        self.word.setVisible(bool(text))
