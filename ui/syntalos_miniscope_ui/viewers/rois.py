"""Regions that a person draws on the frames, and the file they are kept in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pyqtgraph as pg
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor

Kind = Literal["rectangle", "ellipse", "polygon"]
PENS = ("#F2C14E", "#5FB2E6", "#7BC67E", "#E87EA1", "#B78CF2", "#F08A5D")


class RoiLayer:
    """The regions on one picture. Corners are in pixels of the frame, (x, y) from the top left."""

    def __init__(self, box: pg.ViewBox, on_change: Callable[[], None]) -> None:
        self._box = box
        self._on_change = on_change
        self._rois: list[tuple[str, Kind, pg.ROI]] = []

    def __len__(self) -> int:
        """How many regions there are."""
        return len(self._rois)

    def add(self, kind: Kind, centre: tuple[float, float], size: float) -> None:
        """Put a new region on the picture, to be pulled into shape."""
        x, y, half = centre[0], centre[1], size / 2
        corners = [(x - half, y - half), (x + half, y - half), (x + half, y + half)]
        corners.append((x - half, y + half))
        self._put(self._free_name(), kind, corners)
        self._on_change()

    def clear(self) -> None:
        """Take all regions away."""
        for _, _, roi in self._rois:
            self._box.removeItem(roi)
        self._rois = []
        self._on_change()

    def as_data(self) -> list[dict[str, Any]]:
        """Give the regions: name, kind, and corners (of the bounding box for an ellipse)."""
        return [
            {"name": name, "kind": kind, "corners": [[round(x, 2), round(y, 2)] for x, y in points]}
            for name, kind, roi in self._rois
            for points in [_corners(roi, kind)]
        ]

    def save(self, file: Path, size: tuple[int, int]) -> None:
        """Write the regions to a file; `size` is width and height of the frames."""
        data = {"format": 1, "size": list(size), "rois": self.as_data()}
        beside = file.with_name(f".{file.name}.new")
        beside.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
        beside.replace(file)

    def load(self, file: Path) -> None:
        """Read regions from a file in place of those here; ValueError if it is no such file."""
        try:
            found = [
                (str(roi["name"]), roi["kind"], [(float(x), float(y)) for x, y in roi["corners"]])
                for roi in json.loads(file.read_text("utf-8"))["rois"]
                if roi["kind"] in ("rectangle", "ellipse", "polygon")
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file}: not a file of regions: {error}") from error
        self.clear()
        for name, kind, corners in found:
            self._put(name, kind, corners)
        self._on_change()

    def _put(self, name: str, kind: Kind, corners: list[tuple[float, float]]) -> None:
        pen = pg.mkPen(QColor(PENS[len(self._rois) % len(PENS)]), width=2)
        if kind == "polygon":
            roi: pg.ROI = pg.PolyLineROI(corners, closed=True, pen=pen, removable=True)
        else:
            xs, ys = [x for x, _ in corners], [y for _, y in corners]
            make = pg.RectROI if kind == "rectangle" else pg.EllipseROI
            place, size = (min(xs), min(ys)), (max(xs) - min(xs), max(ys) - min(ys))
            roi = make(place, size, pen=pen, removable=True)
        self._rois.append((name, kind, roi))
        roi.sigRegionChangeFinished.connect(lambda _roi: self._on_change())
        roi.sigRemoveRequested.connect(self._remove)
        self._box.addItem(roi)

    def _remove(self, gone: pg.ROI) -> None:
        self._box.removeItem(gone)
        self._rois = [entry for entry in self._rois if entry[2] is not gone]
        self._on_change()

    def _free_name(self) -> str:
        taken = {name for name, _, _ in self._rois}
        return next(name for n in range(1, len(taken) + 2) if (name := f"roi {n}") not in taken)


def _corners(roi: pg.ROI, kind: Kind) -> list[tuple[float, float]]:
    if kind == "polygon":
        points = [roi.mapToParent(QPointF(point)) for _, point in roi.getLocalHandlePositions()]
    else:
        width, height = roi.size()
        places = ((0, 0), (width, 0), (width, height), (0, height))
        points = [roi.mapToParent(QPointF(x, y)) for x, y in places]
    return [(point.x(), point.y()) for point in points]
