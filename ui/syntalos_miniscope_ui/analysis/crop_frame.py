"""The part of a picture that is kept, as a person shapes it. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, replace

LEAST_SIDE_PX = 32
"""A smaller part can hold no cells worth looking for."""

Coords = tuple[int, int, int, int]
"""(x0, y0, x1, y1), y counted from the bottom, as `crop_coords` in analysis_parameters.csv."""


@dataclass(frozen=True, slots=True)
class CropFrame:
    """A part of a picture of `width` x `height`; edges in whole pixels, y from the top."""

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def whole(cls, width: int, height: int) -> CropFrame:
        """Keep all of a picture."""
        return cls(width, height, 0, 0, width, height)

    @property
    def coords(self) -> Coords:
        """The corners, y counted from the bottom."""
        return self.left, self.height - self.bottom, self.right, self.height - self.top

    @property
    def is_whole(self) -> bool:
        """Whether nothing is cut off."""
        return self == CropFrame.whole(self.width, self.height)

    def drawn(self, x0: float, y0: float, x1: float, y1: float) -> CropFrame:
        """Give the frame between two points, y from the top, in any order."""
        left, right = _span(x0, x1, self.width)
        top, bottom = _span(y0, y1, self.height)
        return replace(self, left=left, right=right, top=top, bottom=bottom)

    def with_coords(self, coords: Coords) -> CropFrame:
        """Give the frame with these corners, y from the bottom, as near as it can be."""
        x0, y0, x1, y1 = coords
        return self.drawn(x0, self.height - y0, x1, self.height - y1)

    def moved(self, dx: int, dy: int) -> CropFrame:
        """Give it moved right and down, as far as there is room."""
        dx = min(max(dx, -self.left), self.width - self.right)
        dy = min(max(dy, -self.top), self.height - self.bottom)
        return replace(
            self,
            left=self.left + dx,
            right=self.right + dx,
            top=self.top + dy,
            bottom=self.bottom + dy,
        )

    def grown(self, dx: int, dy: int) -> CropFrame:
        """Give it with its right and lower edges moved."""
        return replace(
            self,
            right=min(max(self.right + dx, self.left + min(LEAST_SIDE_PX, self.width)), self.width),
            bottom=min(
                max(self.bottom + dy, self.top + min(LEAST_SIDE_PX, self.height)), self.height
            ),
        )


def _span(one: float, other: float, room: int) -> tuple[int, int]:
    """Give two edges in order, inside, and not too near each other."""
    low, high = (min(max(round(edge), 0), room) for edge in sorted((one, other)))
    if high - low < min(LEAST_SIDE_PX, room):
        high = min(max(low + LEAST_SIDE_PX, 0), room)
        low = max(min(low, high - LEAST_SIDE_PX), 0)
    return low, high
