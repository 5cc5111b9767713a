"""How loops over pixels and cells are compiled, the same way for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

Function = Callable[..., Any]


def kernel(function: Function) -> Function:
    """Compile a function at its first call, and keep the result for the next start.

    It runs without the GIL. `fastmath` is off: it would let the bytes of a recording depend on the
    computer. Compiled code lies beside the source or, where that cannot be written, in the user's
    cache; where neither can be, each start compiles anew.
    """
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)
