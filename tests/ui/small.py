"""A small project, and the boxes in it: tiny ones, and two that belong to the editor."""

from pathlib import Path

from syntalos_miniscope.catalog import Catalog, shipped_folder

HERE = Path(__file__).parent
PROJECT = HERE / "small.toml"


def find_boxes() -> Catalog:
    tiny, shipped = Catalog.find([HERE / "nodes"]), Catalog.find([shipped_folder()])
    views = {name: shipped.folders[name] for name in ("canvas", "stream_plot")}
    return Catalog({**tiny.folders, **views})
