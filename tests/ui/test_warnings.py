"""What goes wrong in a run is said where a person looks."""


def test_a_warning_of_a_box_is_in_the_status_line_as_well(window, run_until, until) -> None:
    window.ask_run(record=False)
    run_until(window, "running")
    engine = window.running.engine
    engine.boxes()["camera"].notes.append("the scope is gone")
    until(lambda: "the scope is gone" in window.log.lines())
    assert window.statusBar().currentMessage() == "camera: the scope is gone"
