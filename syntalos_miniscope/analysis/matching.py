"""Which of these is which of those: the best one-to-one matching, and how alike footprints are."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording.truth import Footprints, GroundTruth

Floats = NDArray[np.float64]
Patch = tuple[int, int, NDArray[np.float32]]

SKIRT_SHARE = 0.02
"""Of its peak: fainter pixels of a true footprint are left out."""


def best_matching(likeness: Floats, least: float) -> list[tuple[int, int]]:
    """Give the pairs (row, column) of the matching with the largest sum that are at least alike.

    Nobody is in two pairs (Kuhn 1955; the shortest augmenting paths of Jonker and Volgenant 1987).
    """
    if 0 in likeness.shape:
        return []
    turned = likeness.shape[0] > likeness.shape[1]
    cost = np.ascontiguousarray(-(likeness.T if turned else likeness), np.float64)
    columns = assign(cost)
    pairs = [(int(c), r) if turned else (r, int(c)) for r, c in enumerate(columns)]
    return sorted((r, c) for r, c in pairs if likeness[r, c] >= least)


def cosines(mine: Footprints, true: list[Patch]) -> Floats:
    """Give the cosine of each footprint with each true one, (mine, true)."""
    found = np.zeros((len(mine), len(true)))
    patches = list(mine)
    for i, (top, left, patch) in enumerate(patches):
        length = np.linalg.norm(patch)
        for j, (t, le, other) in enumerate(true):
            y0, y1 = max(top, t), min(top + patch.shape[0], t + other.shape[0])
            x0, x1 = max(left, le), min(left + patch.shape[1], le + other.shape[1])
            if y0 < y1 and x0 < x1:
                product = np.vdot(
                    patch[y0 - top : y1 - top, x0 - left : x1 - left],
                    other[y0 - t : y1 - t, x0 - le : x1 - le],
                )
                found[i, j] = product / max(length * np.linalg.norm(other), 1e-12)
    return found


def seen_footprints(truth: GroundTruth, offset: tuple[float, float]) -> list[Patch]:
    """Give each unit's footprint as the scope sees it, moved by `offset` (down, right), px."""
    window = (*truth.fov_offset, *truth.fov_shape)
    patches: list[Patch] = []
    for k, placed in enumerate(truth.planted):
        alone = Footprints.stacked([placed], truth.planted.canvas_shape)
        blur = None if truth.observed_sigma_px is None else truth.observed_sigma_px[k : k + 1]
        gain = None if truth.observed_gain is None else truth.observed_gain[k : k + 1]
        picture = alone.dense(window, blur, gain)[0].astype(np.float32)
        patches.append(_moved(picture, offset))
    return patches


def _moved(picture: NDArray[np.float32], offset: tuple[float, float]) -> Patch:
    rows, columns = np.nonzero(picture > SKIRT_SHARE * max(float(picture.max()), 1e-12))
    if not len(rows):
        return 0, 0, np.zeros((1, 1), np.float32)
    whole = np.floor(offset).astype(int)
    room = 2
    top, left = int(rows.min()) - room, int(columns.min()) - room
    patch = np.pad(picture, room)[
        rows.min() : rows.max() + 2 * room + 1, columns.min() : columns.max() + 2 * room + 1
    ]
    dy, dx = offset[0] - whole[0], offset[1] - whole[1]
    move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    patch = cv2.warpAffine(patch, move, patch.shape[::-1]).astype(np.float32)
    return top + int(whole[0]), left + int(whole[1]), patch


@numba.njit(nogil=True, cache=True)
def assign(cost: Floats) -> NDArray[np.int64]:
    """Give the column of each row for the least total cost; there are no more rows than columns."""
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows + 1), np.zeros(columns + 1)
    row_of = np.zeros(columns + 1, np.int64)
    way = np.zeros(columns + 1, np.int64)
    for row in range(1, rows + 1):
        row_of[0] = row
        at = 0
        slack = np.full(columns + 1, np.inf)
        done = np.zeros(columns + 1, np.bool_)
        while True:
            done[at] = True
            here = row_of[at]
            least, following = np.inf, 0
            for column in range(1, columns + 1):
                if done[column]:
                    continue
                now = cost[here - 1, column - 1] - row_price[here] - column_price[column]
                if now < slack[column]:
                    slack[column] = now
                    way[column] = at
                if slack[column] < least:
                    least, following = slack[column], column
            for column in range(columns + 1):
                if done[column]:
                    row_price[row_of[column]] += least
                    column_price[column] -= least
                else:
                    slack[column] -= least
            at = following
            if row_of[at] == 0:
                break
        while at:
            before = way[at]
            row_of[at] = row_of[before]
            at = before
    out = np.zeros(rows, np.int64)
    for column in range(1, columns + 1):
        if row_of[column]:
            out[row_of[column] - 1] = column - 1
    return out
