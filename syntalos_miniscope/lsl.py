"""Streams for the Lab Streaming Layer (LSL); the only file that knows pylsl.

liblsl reads its configuration once in the life of a process, and its data and time servers listen
on every address, whatever the configuration says (liblsl 1.18, `tcp_server.cpp`, `udp_server.cpp`).
So `machine` both keeps discovery on loopback and ties each socket to the loopback interface.
"""

from __future__ import annotations

import os
import platform
import socket
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.etree import ElementTree

from syntalos_miniscope.clock import RunClock

Visibility = Literal["machine", "link", "site"]
Format = Literal["float32", "double64", "string"]

_QUIET = "[log]\nlevel = -2\n"
_CONFIGURATIONS: Mapping[str, str] = {
    "machine": "[multicast]\nResolveScope = machine\nListenAddress = 127.0.0.1\n"
    "[ports]\nIPv6 = disable\n" + _QUIET,
    "link": "[multicast]\nResolveScope = link\n" + _QUIET,
}
"""Of `site` nothing is said, so that a lab's own `lsl_api.cfg` holds."""

DISCOVERY_PORT = 16571
"""Where LSL answers who looks for streams."""
SO_BINDTODEVICE = 25
"""Linux's number of the option, which Python names on Linux only."""
_LOOPBACK = b"lo\0"

_configured: list[Visibility] = []
"""What liblsl was told; it cannot be told again, nor asked."""


class LslError(Exception):
    """LSL cannot be used; the text is one line that says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a stream."""

    label: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class StreamKind:
    """What a stream is, in LSL's words; `facts` go into its description as they are.

    The id stays the same from run to run, so that a listener finds the stream again.
    """

    name: str
    content_type: str
    format: Format
    channels: Sequence[Channel]
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def source_id(self) -> str:
        """What tells this stream from every other one of the network."""
        return f"syntalos-miniscope/{platform.node()}/{self.name}"


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """LSL's clock minus the run clock, s, and how far that may be off."""

    offset_s: float
    uncertainty_s: float

    def lsl_s(self, time_us: float) -> float:
        """Give the time of LSL at a run time."""
        return self.offset_s + time_us / 1e6


def measure_offset(
    clock: RunClock, lsl_clock_s: Callable[[], float], tries: int = 20
) -> ClockOffset:
    """Compare the two clocks: the run clock is read between two readings of the other.

    The closest pair of several counts, so that a moment's delay of this thread does no harm.
    """
    readings: list[tuple[float, float]] = []
    for _ in range(tries):
        before_s, run_us, after_s = lsl_clock_s(), clock.now_us(), lsl_clock_s()
        readings.append((after_s - before_s, (before_s + after_s) / 2 - run_us / 1e6))
    width_s, offset_s = min(readings)
    # The run clock shows whole microseconds.
    return ClockOffset(offset_s, width_s / 2 + 1e-6)


class Lsl:
    """liblsl, held to a visibility; LslError if it is not there or is held to another one."""

    def __init__(self, visibility: Visibility) -> None:
        self._pylsl = _import()
        if _configured and _configured[0] != visibility:
            raise LslError(
                f"LSL is held to '{_configured[0]}' since its first use in this program: give all "
                f"outlets that visibility, or start the program again for '{visibility}'"
            )
        if visibility == "machine" and platform.system() != "Linux":
            raise LslError(
                "LSL can be held to this machine on Linux only; set visibility to link or site"
            )
        if not _configured:
            _configured.append(visibility)
            if visibility in _CONFIGURATIONS:
                self._pylsl.util.set_config_content(_CONFIGURATIONS[visibility])
        self._visibility: Visibility = visibility

    def clock_s(self) -> float:
        """Give the time of LSL's clock."""
        return float(self._pylsl.local_clock())

    def outlet(self, kind: StreamKind) -> Outlet:
        """Open a stream, which can be found from now on."""
        lsl: Any = self._pylsl
        info = lsl.StreamInfo(
            kind.name,
            kind.content_type,
            len(kind.channels),
            lsl.IRREGULAR_RATE,
            kind.format,
            kind.source_id,
        )
        about = info.desc()
        for name, value in kind.facts.items():
            about.append_child_value(name, value)
        channels = about.append_child("channels")
        for channel in kind.channels:
            entry = channels.append_child("channel")
            entry.append_child_value("label", channel.label)
            entry.append_child_value("unit", channel.unit)
        try:
            outlet = lsl.StreamOutlet(info)
        except RuntimeError as error:
            raise LslError(f"LSL cannot open the stream '{kind.name}': {error}") from error
        if self._visibility == "machine":
            _tie_to_loopback(_ports(outlet))
        return Outlet(outlet)


class Outlet:
    """One open stream."""

    def __init__(self, outlet: Any) -> None:
        self._outlet: Any = outlet

    def push(self, times_s: Sequence[float], samples: Any) -> None:
        """Send samples (sample, channel) with the time of each on LSL's clock; never waits."""
        self._outlet.push_chunk(samples, list(times_s))

    def close(self) -> None:
        """End the stream; listeners look for one with the same id."""
        self._outlet = None


def _import() -> Any:
    try:
        import pylsl
    except ImportError as error:
        raise LslError("LSL needs pylsl: pip install 'syntalos-miniscope[lsl]'") from error
    except RuntimeError as error:
        # Its wheel holds liblsl for some platforms only.
        raise LslError(
            "pylsl is installed without liblsl for this computer: install the liblsl package of "
            "your system, or set PYLSL_LIB to its file"
        ) from error
    if not hasattr(pylsl.util, "set_config_content"):
        raise LslError("pylsl is too old: 1.18 or newer is needed")
    return pylsl


def _ports(outlet: Any) -> set[int]:
    info = ElementTree.fromstring(outlet.get_info().as_xml())
    names = ("v4data_port", "v4service_port", "v6data_port", "v6service_port")
    return {int(info.findtext(name) or 0) for name in names} - {0}


def _tie_to_loopback(ports: set[int]) -> None:
    """Let the sockets of this process at these ports hear the loopback interface only.

    LslError if the kernel refuses, which one before Linux 5.7 does without privileges.
    """
    for name in os.listdir("/proc/self/fd"):
        try:
            if not stat.S_ISSOCK(os.stat(int(name)).st_mode):
                continue
            heard = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            # It was closed since it was listed.
            continue
        with heard:
            if heard.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            address, port = heard.getsockname()[:2]
            if port == DISCOVERY_PORT and address != "127.0.0.1":
                raise LslError(
                    "LSL was set up for the network in this program before; start the program "
                    "again, or set visibility to site"
                )
            if port not in ports:
                continue
            try:
                heard.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, _LOOPBACK)
            except OSError as error:
                raise LslError(
                    f"LSL cannot be held to this machine ({error.strerror}); "
                    f"set visibility to link or site"
                ) from error
