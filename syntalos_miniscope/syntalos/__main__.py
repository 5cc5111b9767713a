"""`python -m syntalos_miniscope.syntalos NODE`: what the launcher of an installed module becomes.

`SYNTALOS_MINISCOPE_LINK` says where Syntalos keeps `syntalos_mlink`; it is looked for last, so
that our own libraries are the ones of our environment. `SYNTALOS_MINISCOPE_BEGAN` says when the
launcher began, by the monotonic clock, which all processes share.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

PATIENCE_S = 7.0
"""How long kernels are compiled before we say that we are ready, for which Syntalos grants 10 s.

What is not done by then goes on beside us; `prepare` may take 15 s.
"""


def main(address: str) -> int:
    """Serve one node until Syntalos ends; 1 and a line if it cannot begin."""
    began_s = float(os.environ.get("SYNTALOS_MINISCOPE_BEGAN", time.monotonic()))
    places = os.environ.get("SYNTALOS_MINISCOPE_LINK", "").split(os.pathsep)
    sys.path += [place for place in places if place]
    from syntalos_miniscope.catalog import CatalogError
    from syntalos_miniscope.syntalos.nodes import load_node

    try:
        node = load_node(address)
        from syntalos_miniscope.syntalos.link import SyntalosLink
        from syntalos_miniscope.syntalos.module import Module
        from syntalos_miniscope.syntalos.warm_up import warm_up_beside
    except CatalogError as error:
        return _refuse(str(error))
    except ImportError as error:
        if error.name != "syntalos_mlink":
            raise
        if not isinstance(error, ModuleNotFoundError):
            return _refuse(f"Syntalos's Python link does not load: {error}")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return _refuse(
            f"Syntalos's Python link was not found for Python {version}: either Syntalos did not "
            "start this module, or it uses another Python; 'syntalos-miniscope syntalos list' "
            "tells which, and 'syntalos-miniscope syntalos install' mends it"
        )
    warming = warm_up_beside(address)
    if warming is not None:
        try:
            warming.wait(max(began_s + PATIENCE_S - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            # A run may begin now, and goes before it.
            os.setpriority(os.PRIO_PROCESS, warming.pid, 10)
    link = SyntalosLink(node)
    link.serve(Module(link, node, Path(address).name, address))
    return 0


def _refuse(text: str) -> int:
    print(f"syntalos-miniscope: {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
