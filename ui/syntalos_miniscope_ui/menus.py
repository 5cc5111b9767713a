"""What stands in the menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syntalos_miniscope_ui.actions import Action

if TYPE_CHECKING:
    from syntalos_miniscope_ui.window import EditorWindow


def menus_of(window: EditorWindow) -> dict[str, list[Action]]:
    """Give the menus of an editor window."""
    files, edit, view = window.files, window.editing, window.view
    line = Action()
    return {
        "&File": [
            Action("&New", "Ctrl+N", files.new),
            Action("&Open…", "Ctrl+O", files.ask_open),
            Action("&Save", "Ctrl+S", files.save),
            Action("Save &as…", "Ctrl+Shift+S", files.ask_save_as),
            line,
            Action("&Quit", "Ctrl+Q", window.close),
        ],
        "&Edit": [
            Action("&Undo", "Ctrl+Z", edit.undo),
            Action("&Redo", "Ctrl+Shift+Z | Ctrl+Y", edit.redo),
            line,
            Action("Cu&t", "Ctrl+X", edit.cut, on=view),
            Action("&Copy", "Ctrl+C", edit.copy, on=view),
            Action("&Paste", "Ctrl+V", edit.paste, on=view),
            Action("&Duplicate", "Ctrl+D", edit.duplicate, on=view),
            Action("Remo&ve", "Del | Backspace", edit.remove, on=view),
            line,
            Action("Select &all", "Ctrl+A", edit.select_all, on=view),
            Action("Next box", "Tab", lambda: edit.select_next(1), on=view),
            Action("Previous box", "Shift+Tab", lambda: edit.select_next(-1), on=view),
        ],
        "&Boxes": [
            Action(
                "&Add box…",
                "A | Ctrl+Space",
                window.finder.ask_add,
                "Search a box and add it",
                view,
            ),
            Action(
                "&Connect…",
                "W",
                window.finder.ask_connect,
                "Wire the selected box, or take a wire off",
                view,
            ),
            Action("&Settings", "Return", window.show_settings, "Go to the knobs", view),
            Action("Re&name", "F2", window.rename, "Give the box a title", view),
            line,
            Action("Move left", "Left", lambda: edit.nudge(-1, 0), on=view),
            Action("Move right", "Right", lambda: edit.nudge(1, 0), on=view),
            Action("Move up", "Up", lambda: edit.nudge(0, -1), on=view),
            Action("Move down", "Down", lambda: edit.nudge(0, 1), on=view),
            line,
            Action("Align left", "Ctrl+Left", lambda: edit.align("left"), on=view),
            Action("Align right", "Ctrl+Right", lambda: edit.align("right"), on=view),
            Action("Align tops", "Ctrl+Up", lambda: edit.align("top"), on=view),
            Action("Align bottoms", "Ctrl+Down", lambda: edit.align("bottom"), on=view),
            Action("Align middles", "Ctrl+M", lambda: edit.align("middle"), on=view),
            Action("&Tidy up", "Ctrl+L", edit.tidy, "Lay out from left to right", view),
        ],
        "&Run": [
            Action("&Run", "F5", lambda: window.ask_run(record=True), "Check, run and record"),
            Action("Run &without recording", "Shift+F5", lambda: window.ask_run(record=False)),
            Action("&Stop", "Shift+Esc", window.running.stop),
            line,
            Action("Add a &note…", "Ctrl+T", window.ask_note, "Keep a remark with the run"),
            Action("Mark an event", "Ctrl+E", window.mark_event, "Keep the moment with the run"),
        ],
        "&View": [
            Action("Zoom &in", "Ctrl++ | Ctrl+=", lambda: view.zoom(1.25)),
            Action("Zoom &out", "Ctrl+-", lambda: view.zoom(0.8)),
            Action("Life si&ze", "Ctrl+0", view.zoom_to_life_size),
            Action("&Fit", "Home | Ctrl+F", view.fit, "Show the whole graph", view),
            line,
            Action("Light", "", lambda: window.set_mode("light")),
            Action("Dark", "", lambda: window.set_mode("dark")),
            Action("As the desktop", "", lambda: window.set_mode("system")),
            line,
            Action("View fills the screen", "F11", window.views.fill_screen),
            Action("&Put the docks back", "", window.put_docks_back, "Lay out panels as at first"),
        ],
        "&Help": [
            Action("First steps", "F1", window.show_start, "Examples to begin with"),
        ],
    }
