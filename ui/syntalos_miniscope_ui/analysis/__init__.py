"""Windows of the offline analysis: choosing a crop, and reviewing the cells that were found."""

from syntalos_miniscope_ui.analysis.crop_window import choose_crop
from syntalos_miniscope_ui.analysis.review_window import review_components

__all__ = ["choose_crop", "review_components"]
