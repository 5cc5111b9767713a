"""What the lens and the tissue above do to each cell: blur and loss, by depth and focus.

The equations are minisim's, 2.6: diffraction, scatter and defocus add in quadrature, loss is
exponential in depth times NA².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.simulation.acquisition import Acquisition
from syntalos_miniscope.simulation.cells import Cells

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """How cells (n,) look with the focal plane at `focal_um` on the axis.

    `sigma_px` is the blur, `gain` the share of light that is left, `brightness` the gain times
    the loss of peak by defocus, of a point, and `in_focus` whether the depth of field holds the
    cell.
    """

    focal_um: float
    sigma_px: Floats
    gain: Floats
    brightness: Floats
    in_focus: NDArray[np.bool_]


def view(acquisition: Acquisition, cells: Cells, focal_um: float) -> View:
    """Look at cells with a given focus; the focal surface is bowl-shaped if the lens says so."""
    optics, tissue, z_um = acquisition.optics, acquisition.tissue, cells.z_um
    local_focus_um = focal_um - optics.focal_curvature_shift_um(cells.r_um)
    still_um = np.hypot(optics.diffraction_sigma_um, tissue.scatter_sigma_um(z_um))
    sigma_um = np.hypot(still_um, optics.defocus_sigma_um(z_um, local_focus_um))
    gain = np.asarray(tissue.attenuation(z_um)) * optics.collection_efficiency
    return View(
        focal_um=focal_um,
        sigma_px=sigma_um / acquisition.pixel_size_um,
        gain=gain,
        brightness=still_um**2 / sigma_um**2 * gain,
        in_focus=np.abs(z_um - local_focus_um) <= optics.resolved_depth_of_field_um,
    )


def best_focus_um(acquisition: Acquisition, cells: Cells) -> Floats:
    """Give for each cell (n,) the focus on the axis at which that cell is sharpest, µm."""
    return cells.z_um + acquisition.optics.focal_curvature_shift_um(cells.r_um)
