"""What is done with a run that has been recorded: found, played, handed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from syntalos_miniscope.examples import examples
from syntalos_miniscope.project import load
from syntalos_miniscope_ui.export_dialog import ExportDialog
from syntalos_miniscope_ui.files import Files
from syntalos_miniscope_ui.running import Running


@dataclass
class Recordings:
    """Knows the last run that was kept, also after the program was closed."""

    window: QWidget
    running: Running
    files: Files
    settings: QSettings
    say: Callable[[str], None]
    dialog: ExportDialog | None = None

    @property
    def last(self) -> Path | None:
        """The folder of the last run that was kept and is still there."""
        kept = str(self.settings.value("run/last", ""))
        return Path(kept) if kept and Path(kept).is_dir() else None

    def remember(self) -> None:
        """Take note of where the run that has ended lies, if it was kept."""
        report = self.running.report
        if report is not None and report["export_dir"]:
            self.settings.setValue("run/last", str(Path(report["export_dir"]).absolute()))

    def show_folder(self) -> None:
        """Open the folder of the last run in the file manager of the desktop."""
        folder = self._last_or_say()
        if folder is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.say(f"The last run lies in {folder}")

    def play(self) -> None:
        """Begin a project that plays the last run as if its scope were here."""
        folder = self._last_or_say()
        if folder is not None and self.files.may_replace():
            project = load(examples()["real-recording"])
            self.files.begin(project.with_setting("player", "path", str(folder)))

    def ask_export(self) -> None:
        """Ask what to export, beginning with the last run."""
        self.dialog = ExportDialog(self.window, self.last)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.show()

    def _last_or_say(self) -> Path | None:
        folder = self.last
        if folder is None:
            self.say("No run has been kept yet: F5 runs and records")
        return folder
