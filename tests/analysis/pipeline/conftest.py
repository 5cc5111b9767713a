import numpy as np
import pytest


@pytest.fixture(scope="session")
def frames(sparse) -> np.ndarray:
    return sparse.frames[:600]
