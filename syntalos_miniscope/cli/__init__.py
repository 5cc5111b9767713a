"""The command line: `syntalos-miniscope`, one file for each group of commands."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it without a word, however early it comes."""
    try:
        from syntalos_miniscope.cli.commands import obey

        sys.exit(obey())
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemError as error:
        # A compiled function that is interrupted says this instead.
        if isinstance(error.__cause__, KeyboardInterrupt):
            sys.exit(130)
        raise
