"""A stand-in for Syntalos's Python link, as strict as the real one and as slow where that counts.

Modelled on Syntalos 3.1: what it takes and refuses, what it leaves uninitialised, that it holds
Python's lock while it waits (25 ms between two calls of `event_fn`), that `submit` waits, lock and
all, while a receiver's 16 slots are full, and that data may come after the stop.
"""

from .data import (
    ControlCommand,
    ControlCommandKind,
    DataType,
    Frame,
    MetaSize,
    SignalBlockF32,
    SyntalosPyError,
)
from .link import (
    SyntalosLink,
    await_data,
    init_link,
    is_running,
    println,
    raise_error,
    time_since_start_msec,
    time_since_start_usec,
)
from .ports import InputPort, OutputPort

__all__ = [
    "ControlCommand", "ControlCommandKind", "DataType", "Frame", "InputPort", "MetaSize",
    "OutputPort", "SignalBlockF32", "SyntalosLink", "SyntalosPyError", "await_data", "init_link",
    "is_running", "println", "raise_error", "time_since_start_msec", "time_since_start_usec",
]  # fmt: skip
