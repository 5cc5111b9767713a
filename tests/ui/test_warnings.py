"""What goes wrong in a run is said where a person looks."""

from syntalos_miniscope_ui.running import LogLine


def test_a_warning_of_a_box_is_in_the_status_line_as_well(window, run_until, until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    engine = window.running.engine
    engine.boxes()["camera"].notes.append("the scope is gone")
    until(lambda: "the scope is gone" in window.log.lines())
    assert window.statusBar().currentMessage() == "camera: the scope is gone"


def test_the_log_names_a_box_once(window) -> None:
    window.log.add([LogLine(1.0, "error", "camera", "camera: the lens cap is on")])
    item = window.log.topLevelItem(window.log.topLevelItemCount() - 1)
    assert [item.text(column) for column in (1, 2)] == ["camera", "the lens cap is on"]


def test_the_dot_is_red_while_something_is_wrong_and_green_once_it_is_well(
    window, document, run_until, until
) -> None:
    box = window.scene.boxes["camera"]
    window.ask_run(record=False)
    run_until(window, "running")
    assert box.dot() != window.theme.bad
    settings = document.settings("camera")
    window.running.apply("camera", settings.model_copy(update={"unplugged": True}))
    until(lambda: "The cable is out" in box.lines)
    assert box.dot() == window.theme.bad
    window.running.apply("camera", settings)
    until(lambda: "Here again" in box.lines)
    assert box.dot() == window.theme.good


def test_what_was_wrong_to_the_end_of_a_run_is_no_alarm_after_it(
    window, document, run_until, until
) -> None:
    settings = document.settings("camera").model_copy(update={"unplugged": True})
    window.ask_run(record=False)
    run_until(window, "running")
    window.running.apply("camera", settings)
    box = window.scene.boxes["camera"]
    until(lambda: box.dot() == window.theme.bad)
    window.running.stop()
    run_until(window, "idle")
    assert box.dot() == window.theme.idle
    assert "The cable is out" in box.lines
