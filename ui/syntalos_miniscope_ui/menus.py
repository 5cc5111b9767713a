"""What stands in the menus of the editor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from syntalos_miniscope.examples import examples
from syntalos_miniscope_ui.actions import Action
from syntalos_miniscope_ui.canvas.editing import Editing
from syntalos_miniscope_ui.canvas.finder import Finder
from syntalos_miniscope_ui.canvas.view import GraphView
from syntalos_miniscope_ui.files import Files
from syntalos_miniscope_ui.panels.inspector import Inspector
from syntalos_miniscope_ui.recordings import Recordings
from syntalos_miniscope_ui.theme import Mode
from syntalos_miniscope_ui.views import Views

LINE = Action()


def file_menu(files: Files, close: Callable[[], object]) -> list[Action]:
    """Give what is done with projects as files."""
    return [
        Action("&New", "Ctrl+N", files.new),
        Action("&Open…", "Ctrl+O", files.ask_open),
        Action("&Save", "Ctrl+S", files.save),
        Action("Save &as…", "Ctrl+Shift+S", files.ask_save_as),
        LINE,
        Action("&Quit", "Ctrl+Q", close),
    ]


def edit_menu(edit: Editing, view: GraphView) -> list[Action]:
    """Give what is done with what is selected."""
    return [
        Action("&Undo", "Ctrl+Z", edit.undo),
        Action("&Redo", "Ctrl+Shift+Z | Ctrl+Y", edit.redo),
        LINE,
        Action("Cu&t", "Ctrl+X", edit.cut, on=view),
        Action("&Copy", "Ctrl+C", edit.copy, on=view),
        Action("&Paste", "Ctrl+V", edit.paste, on=view),
        Action("&Duplicate", "Ctrl+D", edit.duplicate, on=view),
        Action("Remo&ve", "Del | Backspace", edit.remove, on=view),
        LINE,
        Action("Select &all", "Ctrl+A", edit.select_all, on=view),
        Action("Next box", "Tab", lambda: edit.select_next(1), on=view),
        Action("Previous box", "Shift+Tab", lambda: edit.select_next(-1), on=view),
    ]


def boxes_menu(
    edit: Editing, finder: Finder, inspector: Inspector, view: GraphView
) -> list[Action]:
    """Give what is done with boxes and wires."""
    return [
        Action("&Add box…", "A | Ctrl+Space", finder.ask_add, "Search a box and add it", view),
        Action("&Connect…", "W", finder.ask_connect, "Wire the box, or take a wire off", view),
        Action("&Settings", "Return", inspector.focus_first, "Go to the knobs", view),
        Action("Re&name", "F2", inspector.focus_title, "Give the box a title", view),
        LINE,
        Action("Move left", "Left", lambda: edit.nudge(-1, 0), on=view),
        Action("Move right", "Right", lambda: edit.nudge(1, 0), on=view),
        Action("Move up", "Up", lambda: edit.nudge(0, -1), on=view),
        Action("Move down", "Down", lambda: edit.nudge(0, 1), on=view),
        LINE,
        Action("Align left", "Ctrl+Left", lambda: edit.align("left"), on=view),
        Action("Align right", "Ctrl+Right", lambda: edit.align("right"), on=view),
        Action("Align tops", "Ctrl+Up", lambda: edit.align("top"), on=view),
        Action("Align bottoms", "Ctrl+Down", lambda: edit.align("bottom"), on=view),
        Action("Align middles", "Ctrl+M", lambda: edit.align("middle"), on=view),
        Action("&Tidy up", "Ctrl+L", edit.tidy, "Lay out from left to right", view),
    ]


def run_menu(
    run: Callable[[bool], object],
    stop: Callable[[], object],
    note: Callable[[], object],
    mark: Callable[[], object],
) -> list[Action]:
    """Give what is done with a run; `run` is told whether to record."""
    return [
        Action("&Run", "F5", lambda: run(True), "Check, run and record"),
        Action("Run &without recording", "Shift+F5", lambda: run(False)),
        Action("&Stop", "Shift+Esc", stop),
        LINE,
        Action("Add a &note…", "Ctrl+T", note, "Keep a remark with the run"),
        Action("Mark an event", "Ctrl+E", mark, "Keep the moment with the run"),
    ]


def recording_menu(recordings: Recordings) -> list[Action]:
    """Give what is done with a recording."""
    folder, play = recordings.show_folder, recordings.play
    return [
        Action("&Export…", "Ctrl+Shift+E", recordings.ask_export, "As tables, NWB, for minian …"),
        LINE,
        Action("Show the &folder of the last run", "Ctrl+Shift+F", folder),
        Action("&Play the last run", "Ctrl+Shift+P", play, "As if its scope were here"),
    ]


def help_menu(
    show_start: Callable[[], object], open_example: Callable[[str], object]
) -> list[Action]:
    """Give the first steps and every shipped project."""
    return [
        Action("First steps", "F1", show_start, "Examples to begin with"),
        LINE,
        *(
            Action(f"Example: {name}", "", partial(open_example, name), "A shipped project")
            for name in examples()
        ),
    ]


def view_menu(
    view: GraphView,
    views: Views,
    set_mode: Callable[[Mode], object],
    put_docks_back: Callable[[], object],
) -> list[Action]:
    """Give what is done with the picture."""
    return [
        Action("Zoom &in", "Ctrl++ | Ctrl+=", lambda: view.zoom(1.25)),
        Action("Zoom &out", "Ctrl+-", lambda: view.zoom(0.8)),
        Action("Life si&ze", "Ctrl+0", view.zoom_to_life_size),
        Action("To the &graph", "Esc", view.come_back, "From a knob or a list back to the boxes"),
        Action("&Fit", "Home | Ctrl+F", view.fit, "Show the whole graph", view),
        LINE,
        Action("Light", "", lambda: set_mode("light")),
        Action("Dark", "", lambda: set_mode("dark")),
        Action("As the desktop", "", lambda: set_mode("system")),
        LINE,
        Action("View fills the screen", "F11", views.fill_screen),
        Action("&Put the docks back", "", put_docks_back, "Lay out panels as at first"),
    ]
