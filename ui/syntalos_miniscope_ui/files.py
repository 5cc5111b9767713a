"""Opening and saving: what is on disk, what is not yet, and what a crash left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, QTimer
from PySide6.QtWidgets import QFileDialog, QWidget

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.project import Project, ProjectError, load
from syntalos_miniscope_ui import autosave
from syntalos_miniscope_ui.dialogs import Ask, to_save
from syntalos_miniscope_ui.document import Document

KINDS = "Projects (*.toml)"
AUTOSAVE_MS = 1500


class Files(QObject):
    """Holds the document of one window; `on_document` is called when there is another."""

    def __init__(
        self,
        parent: QWidget,
        catalog: Catalog,
        settings: QSettings,
        ask: Ask,
        on_document: Callable[[Document], None],
    ) -> None:
        super().__init__(parent)
        self._window = parent
        self._catalog = catalog
        self._settings = settings
        self._ask = ask
        self._on_document = on_document
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AUTOSAVE_MS)
        self._timer.timeout.connect(self.autosave)
        self.document = Document(catalog)
        self._on_disk: bytes | None = None
        self._locked = False

    def take(self, document: Document) -> None:
        """Edit another document from now on."""
        self._timer.stop()
        self.document = document
        self._on_disk = _contents(document.file)
        document.listeners.append(self._timer.start)
        self._on_document(document)

    def begin_with(self, document: Document) -> None:
        """Edit a document, or what a crash left of it if the person wants that."""
        left = autosave.left_over(document.file) if document.file else None
        if left is not None and document.file is not None:
            document = self._recovered(document.file, left)
        self.take(document)

    def begin(self, project: Project) -> None:
        """Edit a project that has no file yet, such as an example."""
        self.take(Document(self._catalog, project))

    def new(self) -> None:
        """Begin with an empty canvas, once what is there is safe."""
        if self.may_replace():
            self.begin(Project())

    def ask_open(self) -> None:
        """Pick a file and open it."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a project", "", KINDS)
        if name:
            self.open(Path(name))

    def open(self, file: Path) -> bool:
        """Open a file, once what is there is safe; offers what a crash left of it."""
        if not self.may_replace():
            return False
        try:
            left = autosave.left_over(file)
            document = self._recovered(file, left) if left else Document.open(self._catalog, file)
        except ProjectError as error:
            self._ask(self._window, "This project cannot be opened.", str(error), ["Close"])
            return False
        self.take(document)
        self._remember(file)
        return True

    def offer_orphans(self) -> None:
        """Offer projects that never had a file and whose editor crashed."""
        for place in autosave.orphans():
            answer = self._ask(
                self._window,
                "The editor ended without saving a project. Bring it back?",
                "It had no file yet.",
                ["Bring it back", "Throw it away", "Later"],
            )
            if answer == "Later":
                return
            try:
                if answer == "Bring it back":
                    document = Document(self._catalog, load(place))
                    document.mark_unsaved()
                    self.take(document)
                    self.autosave()
            except ProjectError as error:
                self._ask(self._window, "It cannot be read.", str(error), ["Close"])
                continue
            place.unlink(missing_ok=True)
            if answer == "Bring it back":
                return

    def save(self) -> bool:
        """Save to the file of the document, or ask for one."""
        file = self.document.file
        if file is None:
            return self.ask_save_as()
        now = _contents(file)
        if now is not None and now != self._on_disk:
            question = f"{file.name} has been changed by another window or program."
            answers = ["Save over it", "Save as…", "Cancel"]
            answer = self._ask(self._window, question, "Saving over it loses that change.", answers)
            if answer != answers[0]:
                return answer == answers[1] and self.ask_save_as()
        return self._write(file)

    def ask_save_as(self) -> bool:
        """Pick a file and save to it."""
        start = str(self.document.file or f"{self.document.project.title or 'project'}.toml")
        name, _ = QFileDialog.getSaveFileName(self._window, "Save the project", start, KINDS)
        file = to_save(self._window, name, "toml", self._ask)
        return file is not None and self._write(file)

    def lock(self, running: bool) -> None:
        """Keep the document while a run of it is on."""
        self._locked = running

    def may_replace(self) -> bool:
        """Say whether another document may come: not during a run, nor over unsaved changes."""
        if self._locked:
            self._ask(self._window, f"A run of {self.name} is on.", "Stop it first.", ["Close"])
        return not self._locked and self.may_leave()

    def may_leave(self) -> bool:
        """Ask what becomes of unsaved changes; False if the person wants to stay."""
        if not self.document.dirty:
            return True
        answer = self._ask(
            self._window,
            f"Save the changes to {self.name}?",
            "They are lost otherwise.",
            ["Save", "Do not save", "Cancel"],
        )
        if answer == "Save":
            return self.save()
        if answer == "Do not save":
            self._timer.stop()
            autosave.discard(self.document.file)
        return answer == "Do not save"

    def autosave(self) -> None:
        """Keep unsaved changes beside the file."""
        try:
            autosave.keep(self.document)
        except (ProjectError, OSError):
            # A folder that cannot be written must not stop the editing; saving will say so.
            return

    @property
    def name(self) -> str:
        """What the document is called."""
        document = self.document
        return document.file.name if document.file else document.project.title or "Untitled"

    def recent(self) -> list[Path]:
        """Give the last projects that are still there, newest first."""
        kept: Any = self._settings.value("files/recent", [])
        names = [kept] if isinstance(kept, str) else list(kept or [])
        return [Path(name) for name in names if Path(name).is_file()]

    def _write(self, file: Path) -> bool:
        before = self.document.file
        try:
            self.document.save(file)
        except ProjectError as error:
            self._ask(self._window, "The project was not saved.", str(error), ["Close"])
            return False
        self._timer.stop()
        self._on_disk = _contents(file)
        autosave.discard(before)
        autosave.discard(file)
        self._remember(file)
        return True

    def _recovered(self, file: Path, left: Project) -> Document:
        answer = self._ask(
            self._window,
            f"There are unsaved changes to {file.name} from before a crash. Use them?",
            "The file itself stays as it is until you save.",
            ["Use them", "Open the file as it is"],
        )
        if answer == "Use them":
            document = Document(self._catalog, left, file)
            document.mark_unsaved()
            return document
        autosave.discard(file)
        return Document.open(self._catalog, file)

    def _remember(self, file: Path) -> None:
        others = [str(path) for path in self.recent() if path != file.absolute()]
        self._settings.setValue("files/recent", [str(file.absolute()), *others][:8])


def _contents(file: Path | None) -> bytes | None:
    try:
        return file.read_bytes() if file else None
    except OSError:
        return None
