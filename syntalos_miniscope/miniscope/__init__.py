"""The real thing: a Miniscope on its DAQ, over USB."""

from syntalos_miniscope.miniscope.connection import connect

__all__ = ["connect"]
