"""What the drawing scripts of this folder share: one look, and small files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
INK, BLUE, RED, ORANGE = "#333333", "#2a6fbb", "#c0392b", "#e08e0b"

plt.rcParams.update(
    {
        "figure.constrained_layout.use": True,
        "font.size": 8,
        "axes.titlesize": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": INK,
        "lines.linewidth": 1,
        "legend.frameon": False,
        "image.cmap": "gray",
    }
)


def panels(n: int, height: float = 2.9, *, rows: int = 1, **keys: Any) -> tuple[Any, Any]:
    """Give a figure with rows of axes."""
    return plt.subplots(rows, n, figsize=(9.0, height), **keys)


def show(axis: Any, picture: np.ndarray, title: str, side_um: float, **keys: Any) -> Any:
    """Show a picture with a scale bar of a quarter of its side, rounded to 50 µm."""
    shown = axis.imshow(picture, **{"interpolation": "nearest", **keys})
    axis.set_title(title)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
    bar_um = max(round(side_um / 200) * 50, 10)
    px = picture.shape[1] / side_um
    x, y = 0.05 * picture.shape[1], 0.95 * picture.shape[0]
    axis.plot([x, x + bar_um * px], [y, y], color="white", linewidth=2.5, solid_capstyle="butt")
    axis.text(
        x, y - 0.02 * picture.shape[0], f"{bar_um} µm", color="white", fontsize=7, va="bottom"
    )
    return shown


def save(figure: Any, name: str) -> None:
    """Write a figure as a PNG."""
    path = HERE / f"{name}.png"
    figure.savefig(path, dpi=85, pil_kwargs={"optimize": True})
    plt.close(figure)
    print(f"{path.name}: {path.stat().st_size // 1024} kB")
