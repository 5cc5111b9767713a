"""Source extraction: the back ends that are set up here beside the built-in way, and the truth.

On a minute of 256 x 256 pixels at 20 frames a second, stabilised by us, of separate cells and of
crowded ones. Recall and precision count footprints whose cosine with a true one is 0.6 or more; r
are medians over the cells that were found. CPU time and memory are those of the program's process,
its start included.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "analysis"))

import movies  # pyright: ignore[reportMissingImports]
from extraction_score import (  # pyright: ignore[reportMissingImports]
    HEAD,
    extracted,
    judged,
    row,
    set_up,
)

from syntalos_miniscope.analysis.backends import BACKENDS, BUILT_IN
from syntalos_miniscope.analysis.backends.environments import how_to_set_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dense", action="store_true", help="the crowded movie with minian too")
    asked = parser.parse_args()
    here = set_up()
    for name in BACKENDS:
        if name not in here:
            print(f"{name} is not set up; {how_to_set_up(name)}")
    for title, spec in (("sparse", movies.sparse_spec()), ("dense V4-CA1", movies.dense_spec())):
        movie = movies.make(spec)
        print(f"\n{title}: {len(movie.footprints)} cells\n{HEAD}", flush=True)
        for name in (*here, BUILT_IN):
            if name == "minian" and title != "sparse" and not asked.dense:
                continue
            with tempfile.TemporaryDirectory() as work:
                extraction, cost = extracted(name, movie, Path(work))
            print(row(name, judged(extraction, movie), cost), flush=True)


if __name__ == "__main__":
    main()
