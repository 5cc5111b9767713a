"""The head in space: a small head that turns with the orientation sensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from syntalos_miniscope.streams import FloatSignalBlock
from syntalos_miniscope_ui.viewers.signals import SignalView

Faces = NDArray[np.float64]
"""Corners of four-sided faces, (faces, 4, 3), against the clock as seen from outside."""


def rotation(quaternion: Sequence[float]) -> NDArray[np.float64]:
    """Give the rotation matrix of a quaternion (w, x, y, z), which need not be of length 1."""
    w, x, y, z = np.asarray(quaternion, float) / max(float(np.linalg.norm(quaternion)), 1e-12)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def euler_deg(quaternion: Sequence[float]) -> tuple[float, float, float]:
    """Give roll, pitch and yaw in degrees, by the Tait-Bryan angles z-y'-x''."""
    turn = rotation(quaternion)
    pitch = math.asin(max(-1.0, min(1.0, -turn[2, 0])))
    roll, yaw = math.atan2(turn[2, 1], turn[2, 2]), math.atan2(turn[1, 0], turn[0, 0])
    return math.degrees(roll), math.degrees(pitch), math.degrees(yaw)


class HeadView(QWidget):
    """A head with a scope on it, seen from behind and above, and the three angles in words."""

    def __init__(self) -> None:
        super().__init__()
        self._quaternion: tuple[float, ...] | None = None
        self.setMinimumSize(150, 150)

    def show_quaternion(self, quaternion: Sequence[float] | None) -> None:
        """Turn the head; None shows that the sensor is silent."""
        self._quaternion = None if quaternion is None else tuple(map(float, quaternion))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the head."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.fillRect(area, self.palette().base())
        text = QColor(self.palette().text().color())
        if self._quaternion is None:
            painter.setPen(text)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "No orientation yet")
            return
        turn = _CAMERA @ rotation(self._quaternion)
        unit = min(area.width(), area.height() - 24) / 4.4
        middle = QPointF(area.center().x(), area.center().y() - 12)
        self._paint_axes(painter, turn, middle, unit)
        for corners, colour in _visible(turn, middle, unit):
            painter.setBrush(colour)
            painter.setPen(QPen(colour, 0.6))
            painter.drawPolygon(corners)
        roll, pitch, yaw = euler_deg(self._quaternion)
        painter.setPen(text)
        words = f"roll {roll:+.0f}°    pitch {pitch:+.0f}°    yaw {yaw:+.0f}°"
        painter.drawText(
            area.adjusted(0, 0, 0, -6),
            Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom,
            words,
        )

    def _paint_axes(
        self, painter: QPainter, turn: NDArray[np.float64], middle: QPointF, unit: float
    ) -> None:
        for axis, colour in zip(np.eye(3) * 1.9, ("#E0524D", "#4CAF6A", "#4F9BE0"), strict=True):
            painter.setPen(QPen(QColor(colour), 2))
            painter.drawLine(middle, _flat(turn @ axis, middle, unit))


class OrientationView(QWidget):
    """The head beside the four numbers over time."""

    port_depth = SignalView.port_depth

    def __init__(self) -> None:
        super().__init__()
        self.head = HeadView()
        self.curves = SignalView()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.head)
        split.addWidget(self.curves)
        split.setSizes([220, 320])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)

    def begin(self, metadata: Mapping[str, Any]) -> None:
        """Get ready for a stream."""
        self.head.show_quaternion(None)
        self.curves.begin(metadata)

    def show_items(self, items: Sequence[FloatSignalBlock], seen: int, unseen: int) -> None:
        """Turn the head to the newest sample, and draw the curves."""
        if items and len(items[-1].data):
            self.head.show_quaternion([float(part) for part in items[-1].data[-1]])
        self.curves.show_items(items, seen, unseen)


def _look_from(azimuth_deg: float, height_deg: float) -> NDArray[np.float64]:
    a, h = math.radians(azimuth_deg), math.radians(height_deg)
    about_z = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, math.cos(h), -math.sin(h)], [0, math.sin(h), math.cos(h)]])
    return about_x @ about_z


def _ball(centre: Sequence[float], radii: Sequence[float]) -> Faces:
    """Give an ellipsoid of flat faces, fewer if it is small."""
    bands, slices = (8, 12) if max(radii) > 0.3 else (4, 6)
    polar, around = np.meshgrid(
        np.linspace(0, math.pi, bands + 1), np.linspace(0, 2 * math.pi, slices + 1), indexing="ij"
    )
    unit = np.stack(
        [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1
    )
    points = unit * np.array(radii) + np.array(centre)
    faces = np.stack([points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]], axis=2)
    return faces.reshape(-1, 4, 3)


def _block(centre: Sequence[float], size: Sequence[float]) -> Faces:
    """Give a box of six faces."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2.0
    corners = corners * np.array(size) + np.array(centre)
    sides = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    return corners[np.array(sides)]


# x looks ahead, y to the left, z up: a mouse's head with a scope on top.
_PARTS = (
    (_ball((0.0, 0.0, 0.0), (1.0, 0.62, 0.58)), "#B9A48C"),
    (_ball((0.95, 0.0, -0.08), (0.38, 0.26, 0.24)), "#C9B49B"),
    (_ball((1.32, 0.0, -0.06), (0.09, 0.09, 0.08)), "#D98B8B"),
    (_ball((-0.45, 0.56, 0.42), (0.12, 0.34, 0.36)), "#A58F77"),
    (_ball((-0.45, -0.56, 0.42), (0.12, 0.34, 0.36)), "#A58F77"),
    (_ball((0.68, 0.42, 0.2), (0.1, 0.1, 0.1)), "#2B2B2B"),
    (_ball((0.68, -0.42, 0.2), (0.1, 0.1, 0.1)), "#2B2B2B"),
    (_block((0.05, 0.0, 0.95), (0.42, 0.42, 0.85)), "#4F7FA8"),
    (_block((0.05, 0.0, 1.42), (0.6, 0.6, 0.12)), "#3A5F80"),
)
_CORNERS = np.concatenate([faces for faces, _ in _PARTS])
_COLOURS = [
    (colour.redF(), colour.greenF(), colour.blueF())
    for faces, name in _PARTS
    for colour in [QColor(name)]
    for _ in faces
]
_CAMERA = _look_from(azimuth_deg=55, height_deg=-68)
_LIGHT = np.array([0.3, 0.5, 0.81])


def _visible(
    turn: NDArray[np.float64], middle: QPointF, unit: float
) -> list[tuple[QPolygonF, QColor]]:
    """Give the faces that look this way, from back to front, shaded by the light."""
    turned = _CORNERS @ turn.T
    normals = np.cross(turned[:, 2] - turned[:, 0], turned[:, 3] - turned[:, 1])
    lengths = np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
    shades = np.clip(normals @ _LIGHT / lengths, 0, 1) * 0.6 + 0.4
    seen = np.flatnonzero(normals[:, 2] > 0)
    seen = seen[np.argsort(turned[seen, :, 2].mean(axis=1))]
    return [
        (
            QPolygonF([_flat(point, middle, unit) for point in turned[face]]),
            QColor.fromRgbF(*(part * float(shades[face]) for part in _COLOURS[face])),
        )
        for face in seen
    ]


def _flat(point: NDArray[np.float64], middle: QPointF, unit: float) -> QPointF:
    return QPointF(middle.x() + point[0] * unit, middle.y() - point[1] * unit)
