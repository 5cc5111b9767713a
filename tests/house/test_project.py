"""Project files: what loads, what is refused and in which words, and what a save may harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntalos_miniscope import project as projects
from syntalos_miniscope.catalog import Catalog, CatalogError
from syntalos_miniscope.examples import examples
from syntalos_miniscope.project import Box, Project, ProjectError, Wire, check, load, parse, save

HEAD = '[project]\nformat = 1\ntitle = "T"\n'
CANVAS = '[[nodes]]\nid = "canvas"\ntype = "canvas"\n'
BACKGROUND = '[[nodes]]\nid = "background"\ntype = "background_subtraction"\n'
TABLE = '[[nodes]]\nid = "table"\ntype = "table"\n'


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.shipped()


CLASS = """
from syntalos_miniscope.node import Node, Out
from syntalos_miniscope.streams import Frame
class Mine(Node):
"""


def wire(source: str, target: str) -> str:
    return f'[[wires]]\nfrom = "{source}"\nto = "{target}"\n'


GOOD = HEAD + BACKGROUND + CANVAS + wire("background.frames-out", "canvas.frames-in")


def test_a_project_survives_a_save_and_a_load(tmp_path: Path) -> None:
    project = parse(GOOD, "f")
    save(project, tmp_path / "p.toml")
    assert load(tmp_path / "p.toml") == project


def test_nodes_stand_in_topological_order(catalog: Catalog) -> None:
    text = HEAD + CANVAS + BACKGROUND + wire("background.frames-out", "canvas.frames-in")
    assert list(check(parse(text, "f"), catalog).nodes) == ["background", "canvas"]


@pytest.mark.parametrize("name", list(examples()))
def test_every_shipped_example_is_whole(name: str, catalog: Catalog) -> None:
    graph = check(load(examples()[name]), catalog)
    assert len(graph.wires) >= 5


BAD = {
    "not TOML": ("nodes = [", "f: not a project file: "),
    "no head": (CANVAS, "f: not a project file: [project] with format = 1 is missing"),
    "newer": ("[project]\nformat = 99\n", "f: made by a newer syntalos-miniscope: this one reads"),
    "format 0": ("[project]\nformat = 0\n", "f: not a project file: [project] with format = 1 is"),
    "format true": ("[project]\nformat = true\n", "f: not a project file: [project] with format"),
    "too deep": (f"x = {'[' * 9999}", "f: not a project file: "),
    "nowhere": (HEAD + CANVAS + "position = [nan, 0]\n", "f: node 'canvas': position.0: Input"),
    "settings at odds": (
        HEAD + BACKGROUND + "settings = {display_min = 200, display_max = 100}\n",
        "f: node 'background': settings: display_min = 200 must be below display_max = 100",
    ),
    "unknown key": (HEAD + "colour = 1\n", "f: colour: Extra inputs are not permitted"),
    "unknown key in a node": (
        HEAD + CANVAS + "colour = 1\n",
        "f: node 'canvas': colour: Extra inputs are not permitted",
    ),
    "bad id": (HEAD + '[[nodes]]\nid = "a.b"\ntype = "x"\n', "f: node 'a.b': id: String should"),
    "bad wire": (HEAD + wire("scope", "canvas.frames-in"), "f: wire number 1: from: String should"),
    "id twice": (HEAD + CANVAS + CANVAS, "f: node 'canvas' is there twice; ids are unique"),
    "missing type": (
        HEAD + '[[nodes]]\nid = "x"\ntype = "y"\n',
        "f: node 'x': there is no node 'y'; known: background_subtraction, ",
    ),
    "missing node": (
        HEAD + CANVAS + wire("scope.frames-out", "canvas.frames-in"),
        "f: wire from 'scope.frames-out': there is no node 'scope'; known: canvas",
    ),
    "unknown output": (
        HEAD + BACKGROUND + CANVAS + wire("background.frames", "canvas.frames-in"),
        "f: wire from 'background.frames': there is no output 'frames' there; known: frames-out",
    ),
    "unknown input": (
        HEAD + BACKGROUND + CANVAS + wire("background.frames-out", "canvas.x"),
        "f: wire to 'canvas.x': there is no input 'x' there; known: frames-in, control-in",
    ),
    "wrong type": (
        HEAD + BACKGROUND + TABLE + wire("background.frames-out", "table.rows-in"),
        "f: wire from 'background.frames-out' to 'table.rows-in': gives Frame, but TableRow",
    ),
    "second wire": (
        GOOD
        + BACKGROUND.replace('"background"', '"b2"')
        + wire("b2.frames-out", "canvas.frames-in"),
        "f: second wire into 'canvas.frames-in', from 'b2.frames-out'; an input takes one, and "
        "'background.frames-out' is wired to it already",
    ),
    "circle": (
        HEAD + BACKGROUND + wire("background.frames-out", "background.frames-in"),
        "f: data wires form a circle through background; only control wires may close one",
    ),
    "bad setting": (
        HEAD + BACKGROUND + "settings.background_alpha = 2\n",
        "f: node 'background': setting 'background_alpha' = 2: Input should be less than or equal",
    ),
    "unknown setting": (
        HEAD + BACKGROUND + "settings.alpha = 1\n",
        "f: node 'background': there is no setting 'alpha'; known: view, ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_project_is_one_line_that_says_what_where_and_what_would_be_right(
    case: str, catalog: Catalog
) -> None:
    text, said = BAD[case]
    with pytest.raises(ProjectError) as refused:
        check(parse(text, "f"), catalog, "f")
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "p.toml"
    save(parse(GOOD, "f"), file)
    old = file.read_bytes()

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ProjectError, match=r"p.toml: cannot be saved: No space left on device"):
        save(Project(title="new"), file)
    monkeypatch.undo()
    assert file.read_bytes() == old and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("place", ["no-folder/p.toml", "file/p.toml", f"{'p' * 252}.toml", "."])
def test_a_save_that_cannot_be_is_a_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="cannot be saved: "):
        save(parse(GOOD, "f"), tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["p" * 250, "p q ü.toml"])
def test_any_name_that_the_disk_takes_is_saved_to(tmp_path: Path, name: str) -> None:
    save(parse(GOOD, "f"), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_save_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "p.toml").symlink_to(tmp_path / "kept" / "real.toml")
    save(parse(GOOD, "f"), tmp_path / "p.toml")
    assert (tmp_path / "p.toml").is_symlink()
    assert load(tmp_path / "kept" / "real.toml") == parse(GOOD, "f")


@pytest.mark.parametrize("value", [None, Path("x"), "\udcff", [None], {"a": object}])
def test_a_setting_that_no_file_can_hold_is_refused_by_name(tmp_path: Path, catalog, value) -> None:
    project = parse(GOOD, "f").with_setting("background", "view", value)
    said = "p.toml: node 'background': setting 'view' = .* cannot be kept in a project file"
    with pytest.raises(ProjectError, match=said):
        save(project, tmp_path / "p.toml")
    assert not list(tmp_path.iterdir())


def test_a_project_that_cannot_be_kept_does_not_check(catalog: Catalog) -> None:
    text = GOOD + TABLE
    with pytest.raises(ProjectError, match=r"^f: node 'table': setting 'name' = .* cannot be kept"):
        check(parse(text, "f").with_setting("table", "name", b"bytes"), catalog, "f")


def test_a_box_stands_behind_the_boxes_that_command_it_where_no_circle_forbids(catalog) -> None:
    boxes = [
        Box(id=i, type=t)
        for i, t in (
            ("recorder", "video_recorder"),
            ("trigger", "trigger"),
            ("scope", "simulated_scope"),
        )
    ]
    wires = [
        Wire(source="scope.frames-raw-out", target="recorder.frames-in"),
        Wire(source="scope.bno-raw-out", target="trigger.signal-in"),
        Wire(source="trigger.control-out", target="recorder.control-in"),
        Wire(source="trigger.control-out", target="scope.control-in"),
    ]
    project = Project(nodes=tuple(boxes), wires=tuple(wires))
    assert list(check(project, catalog).nodes) == ["scope", "trigger", "recorder"]


names = st.text("abcdef_-0123456789", min_size=1, max_size=8).filter(lambda n: n[0] not in "_-")
values = st.one_of(
    st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text()
)


@given(
    st.builds(
        Project,
        title=st.text(),
        nodes=st.lists(
            st.builds(
                Box,
                id=names,
                type=names,
                title=st.text(),
                position=st.tuples(st.integers(-999, 999), st.integers(-999, 999)),
                settings=st.dictionaries(names, values, max_size=3),
            ),
            max_size=4,
        ).map(tuple),
        wires=st.lists(
            st.builds(lambda a, b: Wire(source=f"{a}.o", target=f"{b}.i"), names, names), max_size=3
        ).map(tuple),
    )
)
def test_any_project_survives_its_own_text(project: Project) -> None:
    assert parse(project.to_toml(), "f") == project


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_any_text_is_a_project_or_a_line(text: str) -> None:
    try:
        parse(text, "f")
    except ProjectError as error:
        assert str(error).startswith("f: ")


def test_a_folder_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    for place in ("a", "b"):
        folder = tmp_path / place / "same"
        folder.mkdir(parents=True)
        (folder / "module.toml").write_text(
            '[syntalos_module]\nname = "N"\ndescription = "D"\nmain = "node.py"\nicon = "i.svg"\n'
        )
    with pytest.raises(CatalogError, match="node 'same' is there twice"):
        Catalog.find([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize(
    ("module", "code", "said"),
    [
        ("[syntalos_module]\n", "", "'name' is missing"),
        ("oops", "", "module.toml: "),
        ("syntalos_module = [1]", "", "module.toml: "),
        (
            '[syntalos_module]\nname = "N"\ndescription = "D"\nmain = "node.py"\nicon = "i"\n'
            "categories = 5\n",
            "",
            "module.toml: ",
        ),
        (None, "raise SystemExit(3)", "SystemExit: 3"),
        (None, CLASS + "    inputs = (1,)", "inputs is not a tuple of In(...)"),
        (None, CLASS + "    outputs = Out('a', 'A', Frame)", "outputs is not a tuple of Out(...)"),
        (None, CLASS + "    outputs = (Out('a', 'A', Frame),) * 2", "the same id twice: a, a"),
        (None, CLASS + "    Settings = int", "Settings is not a subclass of node.Settings"),
        (None, "import nowhere_to_be_found", "ModuleNotFoundError: No module named"),
        (None, "x = 1", "defines 0 subclasses of Node; one is right"),
    ],
)
def test_a_bad_node_folder_is_named(tmp_path: Path, module, code, said) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    whole = '[syntalos_module]\nname = "N"\ndescription = "D"\nmain = "node.py"\nicon = "i.svg"\n'
    (folder / "module.toml").write_text(module or whole)
    (folder / "node.py").write_text(code)
    with pytest.raises(CatalogError) as refused:
        Catalog.find([tmp_path]).node("mine")
    assert said in str(refused.value) and str(folder) in str(refused.value)


def test_the_format_that_is_written_is_the_format_that_is_read() -> None:
    assert f"format = {projects.FORMAT}" in Project().to_toml()
