"""The one file that knows `syntalos_mlink`: ports, events, datasets and words of a module."""

from __future__ import annotations

import os
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import syntalos_mlink  # pyright: ignore[reportMissingImports] - Syntalos brings it

from syntalos_miniscope.node import Dataset, Node
from syntalos_miniscope.streams import FloatSignalBlock, Item, Metadata
from syntalos_miniscope.syntalos.items import (
    data_type,
    from_syntalos,
    get_metadata,
    later_than,
    plain_attribute,
    set_metadata,
    to_syntalos,
)
from syntalos_miniscope.syntalos.module import Module

syl: Any = syntalos_mlink

ERROR_BYTES, STATUS_BYTES = 2048, 128
"""The longest texts that the link takes."""


class SyntalosLink:
    """The connection of one module process to Syntalos."""

    def __init__(self, node: type[Node]) -> None:
        self.instance = os.environ.get("SYNTALOS_MODULE_ID", node.__name__)
        self._link = syl.init_link()
        self._out = {
            port.id: self._link.register_output_port(port.id, port.title, data_type(syl, port.type))
            for port in node.outputs
        }
        self._in = {
            port.id: self._link.register_input_port(port.id, port.title, data_type(syl, port.type))
            for port in node.inputs
        }
        self._readers = {port.id: from_syntalos(syl, port.type) for port in node.inputs}
        self._datasets: list[str] = []
        self._times: defaultdict[str, int] = defaultdict(lambda: -1)
        """The last time of every signal; Syntalos has none before 0, and they must increase."""

    def serve(self, module: Module) -> None:
        """Hand Syntalos's events to a module until Syntalos ends this process."""
        link = self._link

        def prepare() -> bool:
            self._datasets.clear()
            self._times.clear()
            return module.prepare()

        # All three: the state that the run is on is kept by the link's own wrappers of them.
        link.on_prepare = prepare
        link.on_start = module.start
        link.on_stop = module.stop
        link.on_save_settings = lambda base_dir: module.save_settings()
        link.on_load_settings = lambda data, base_dir: module.load_settings(bytes(data)) or True
        link.on_show_settings = module.show_settings
        link.on_show_display = module.show_display
        for name, port in self._in.items():
            port.on_data = self._receiver(name, module)
        try:
            link.await_data_forever(module.turn)
        finally:
            module.close()

    def _receiver(self, name: str, module: Module) -> Callable[[Any], None]:
        read = self._readers[name]

        def receive(data: Any) -> None:
            module.receive(name, lambda: read(data))

        return receive

    def hear(self) -> None:
        """Handle what Syntalos wants, without waiting."""
        self._link.await_data(0)

    def zero_ns(self) -> int:
        """Give when t = 0 was, by the monotonic clock, which Syntalos uses too."""
        return time.monotonic_ns() - int(syl.time_since_start_usec()) * 1000

    def fail(self, text: str) -> None:
        """Fail the run with a line for a person."""
        syl.raise_error(_cut(text, ERROR_BYTES))

    def describe(self, port: str, metadata: Metadata) -> None:
        """Set all metadata of an output, and how what is recorded of it may be called.

        Without that, Syntalos's writers name a dataset after the module only, and a table and a
        zarr writer behind the same scope would want the same one, which fails the run.
        """
        stem = port.removesuffix("-out")
        named = {"data_name_proposal": f"{self.instance}-{stem}/{stem}"}
        set_metadata(self._out[port], named | dict(metadata))

    def inputs(self) -> Mapping[str, Metadata]:
        """Give the metadata of every input that is connected."""
        found = {name: get_metadata(port) for name, port in self._in.items()}
        return {name: metadata for name, metadata in found.items() if metadata}

    def submit(self, port: str, item: Item) -> None:
        """Send an item; waits, holding Python's lock, while a receiver's queue is full."""
        if isinstance(item, FloatSignalBlock) and len(item.timestamps):
            item = later_than(item, self._times[port])
            self._times[port] = int(item.timestamps[-1])
        self._out[port].submit(to_syntalos(syl, item))

    def dataset(self, name: str) -> Dataset | None:
        """Make a dataset named after this module, because a recorder behind it may take `name`.

        None in a run that keeps nothing.
        """
        try:
            root = self._link.root_group
        except syl.SyntalosPyError:
            return None
        wanted = f"{self.instance}-{name}".replace("/", "-")
        full, number = wanted, 1
        while full in self._datasets:
            number += 1
            full = f"{wanted}_{number}"
        if self._datasets:
            made = self._link.create_dataset_in_group(root, full)
        else:
            made = self._link.create_default_dataset(full)
        self._datasets.append(full)
        return _LinkDataset(made, Path(made.path), str(uuid.UUID(bytes=self._link.run_uuid)))

    def status(self, text: str) -> None:
        """Show a short line on the box; Syntalos up to 3.1.1 has no place for it."""
        if hasattr(self._link, "set_status_message"):
            self._link.set_status_message(_cut(text, STATUS_BYTES))

    def say(self, text: str) -> None:
        """Print a line into Syntalos's log."""
        syl.println(f"{self.instance}: {text}")


@dataclass(slots=True)
class _LinkDataset:
    """A dataset of the run; Syntalos writes its manifest after the run has stopped."""

    dataset: Any
    path: Path
    collection_id: str
    has_data: bool = False

    def data_file(self, name: str) -> Path:
        # A dataset of Syntalos has one data file from Python; a second one goes beside it.
        if self.has_data:
            return self.aux_file(name)
        self.has_data = True
        return Path(self.dataset.set_data_file(name))

    def aux_file(self, name: str) -> Path:
        return Path(self.dataset.add_aux_file(name))

    def describe(self, attributes: Mapping[str, Any]) -> None:
        for name, value in attributes.items():
            self.dataset.set_attribute(name, plain_attribute(value))


def _cut(text: str, size: int) -> str:
    return text.encode("utf-8")[:size].decode("utf-8", errors="ignore")
