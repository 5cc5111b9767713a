"""Finds node folders. Adding a node is adding a folder; nothing is imported by name."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

import platformdirs

from syntalos_miniscope.node import In, Node, Out, Settings
from syntalos_miniscope.toml import parse_toml

_LOADING = RLock()


class CatalogError(Exception):
    """A node folder that cannot be used; the text says which, and what would be right."""

    def __init__(self, text: str) -> None:
        # What a file says may be quoted, and may hold anything.
        super().__init__(" ".join(text.splitlines()))


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """A folder with a `module.toml`: what the palette shows without importing anything."""

    id: str
    path: Path
    name: str
    description: str
    main: Path
    icon: Path
    categories: tuple[str, ...]
    features: tuple[str, ...]


def shipped_folder() -> Path:
    """Give the folder of the nodes that come with this program, installed or in a checkout."""
    installed = Path(__file__).parent / "nodes"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "nodes"


def user_folder() -> Path:
    """Give the folder where a user's own nodes lie; it need not exist."""
    return Path(platformdirs.user_data_dir("syntalos-miniscope", appauthor=False)) / "nodes"


@dataclass
class Catalog:
    """The node types that can be had, by id."""

    folders: dict[str, NodeFolder]
    _loaded: MutableMapping[str, type[Node]] = field(default_factory=dict[str, type[Node]])

    @staticmethod
    def find(places: Iterable[Path]) -> Catalog:
        """Look through places in order; one that does not exist is passed over.

        CatalogError if two folders have the same id, or one cannot be read.
        """
        folders: dict[str, NodeFolder] = {}
        for place in places:
            for folder in _folders_in(place):
                if folder.id in folders:
                    raise CatalogError(
                        f"node '{folder.id}' is there twice: {folders[folder.id].path} and "
                        f"{folder.path}; rename one of the folders"
                    )
                folders[folder.id] = folder
        return Catalog(folders)

    @staticmethod
    def shipped(extra: Path | None = None) -> Catalog:
        """Give the shipped nodes, the user's own, and those of one more folder."""
        if extra is not None and not extra.is_dir():
            raise CatalogError(f"{extra}: no such folder of nodes")
        return Catalog.find([shipped_folder(), user_folder(), *([extra] if extra else [])])

    def node(self, type_id: str) -> type[Node]:
        """Give a node class, importing its folder once, whichever threads ask.

        CatalogError if there is none of that id, or its file cannot be imported.
        """
        with _LOADING:
            if type_id not in self._loaded:
                if type_id not in self.folders:
                    known = ", ".join(sorted(self.folders))
                    raise CatalogError(f"there is no node '{type_id}'; known: {known}")
                self._loaded[type_id] = _load(self.folders[type_id])
            return self._loaded[type_id]

    def with_stand_ins(self, nodes: Mapping[str, type[Node]]) -> Catalog:
        """Give this catalog with classes for ids that it cannot give; what one loads, both have."""
        return Catalog(self.folders, ChainMap(self._loaded, dict(nodes)))


def _folders_in(place: Path) -> Iterator[NodeFolder]:
    try:
        paths = sorted(place.iterdir()) if place.is_dir() else []
        paths = [path for path in paths if (path / "module.toml").is_file()]
    except OSError as error:
        raise CatalogError(f"{place}: {error.strerror}") from error
    for path in paths:
        yield _read(path)


def _read(path: Path) -> NodeFolder:
    file = path / "module.toml"
    try:
        entry = parse_toml(file.read_text("utf-8"))["syntalos_module"]
        categories = entry.get("categories", [])
        return NodeFolder(
            id=path.name,
            path=path,
            name=str(entry["name"]),
            description=str(entry["description"]),
            main=path / str(entry["main"]),
            icon=path / str(entry["icon"]),
            categories=(categories,) if isinstance(categories, str) else tuple(categories),
            features=tuple(entry.get("features", [])),
        )
    except KeyError as missing:
        raise CatalogError(f"{file}: {missing} is missing") from missing
    except (ValueError, OSError, AttributeError, TypeError) as error:
        raise CatalogError(f"{file}: {error}") from error


def _load(folder: NodeFolder) -> type[Node]:
    module_name = f"syntalos_miniscope_node_{folder.id}"
    spec = importlib.util.spec_from_file_location(module_name, folder.main)
    if spec is None or spec.loader is None or not folder.main.is_file():
        raise CatalogError(f"{folder.main}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    # Pickling and pydantic look a class's module up by name.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise CatalogError(f"{folder.main}: {type(error).__name__}: {error}") from error
    return _node_class(module, folder)


def _node_class(module: ModuleType, folder: NodeFolder) -> type[Node]:
    own = [
        thing
        for thing in vars(module).values()
        if inspect.isclass(thing)
        and issubclass(thing, Node)
        and thing.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise CatalogError(f"{folder.main}: defines {len(own)} subclasses of Node; one is right")
    _check_ports(own[0].inputs, In, f"{folder.main}: inputs")
    _check_ports(own[0].outputs, Out, f"{folder.main}: outputs")
    settings: Any = own[0].Settings
    if not (inspect.isclass(settings) and issubclass(settings, Settings)):
        raise CatalogError(f"{folder.main}: Settings is not a subclass of node.Settings")
    return own[0]


def _check_ports(ports: Any, kind: type[In] | type[Out], what: str) -> None:
    """Refuse what is no tuple of ports, each of its own id."""
    if not isinstance(ports, tuple) or not all(isinstance(port, kind) for port in ports):
        raise CatalogError(f"{what} is not a tuple of {kind.__name__}(...)")
    ids = [port.id for port in ports]
    if len(set(ids)) < len(ids):
        raise CatalogError(f"{what} has the same id twice: {', '.join(ids)}")
