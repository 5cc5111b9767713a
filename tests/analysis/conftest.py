from __future__ import annotations

import movies
import pytest


@pytest.fixture(scope="session")
def sparse() -> movies.Movie:
    """A minute of 50 separate cells, 256 x 256."""
    return movies.make(movies.sparse_spec())


@pytest.fixture(scope="session")
def dense() -> movies.Movie:
    """A minute of some 190 overlapping cells, 256 x 256."""
    return movies.make(movies.dense_spec())
