"""Panels for the knobs of a box, chosen by the type of its settings."""
