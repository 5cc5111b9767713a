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
