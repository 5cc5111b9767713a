"""Lets `python -m syntalos_miniscope.cli` do what `syntalos-miniscope` does."""

from syntalos_miniscope.cli import main

main()
