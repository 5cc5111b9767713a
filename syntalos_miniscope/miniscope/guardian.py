"""A process that outlives the driver's, and darkens a scope that was left lit.

A driver that is killed cannot turn its LED off. The guardian holds the other end of a pipe: when
that closes while the LED is on, it opens the device and darkens it. It is started when the LED
first goes on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

_LIT, _DARK = b"1", b"0"
TRY_S = 10.0


class Guardian:
    """Watches over the light of one scope from another process; give `watch` to the driver.

    `device`, `transport`, `kind_name` and `video_devices` name the scope as the node's settings do.
    """

    def __init__(
        self, device: str, transport: str, kind_name: str, video_devices: str = ""
    ) -> None:
        self._arguments = [device, transport, kind_name, video_devices]
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, lit: bool) -> None:
        """Learn that the LED is on, or off."""
        if self._process is None:
            if not lit:
                return
            self._process = subprocess.Popen(
                [sys.executable, "-m", "syntalos_miniscope.miniscope.guardian", *self._arguments],
                stdin=subprocess.PIPE,
                # Ctrl-C in the terminal is for the driver, not for who cleans up after it.
                start_new_session=True,
            )
        if self._process.stdin is not None:
            try:
                self._process.stdin.write(_LIT if lit else _DARK)
                self._process.stdin.flush()
            except BrokenPipeError:
                self._process = None

    def close(self) -> None:
        """End the watch; if the LED was last known to be on, the guardian darkens it."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None


def main(arguments: list[str]) -> int:
    """Wait for the driver to end; 0 if the LED is known to be off then."""
    # Imported now, not when it is urgent.
    from syntalos_miniscope.miniscope.connection import connect, transport_over
    from syntalos_miniscope.miniscope.device_types import device_type
    from syntalos_miniscope.miniscope.link import Link
    from syntalos_miniscope.miniscope.transport import SystemClock
    from syntalos_miniscope.miniscope.video_devices import known_types

    device, transport, kind_name, video_devices, *patience = arguments
    state = _DARK
    while heard := os.read(sys.stdin.fileno(), 64):
        state = heard[-1:]
    if state == _DARK:
        return 0
    kind = device_type(kind_name, known_types(video_devices))
    opener = connect(device, transport)  # pyright: ignore[reportArgumentType]
    deadline = time.monotonic() + (float(patience[0]) if patience else TRY_S)
    clock = SystemClock()
    problem = "no time was left"
    while time.monotonic() < deadline:
        try:
            link = Link(transport_over(opener(), kind, clock), kind, clock)
            # The scope is still set up: its link need not come up again.
            link.transport.start()
            if link.close():
                return 0
            problem = "it sends no frames"
        except OSError as error:
            problem = str(error)
        time.sleep(0.2)
    print(
        f"LED state unknown: the program that lit the scope '{device}' has died, and the scope "
        f"cannot be reached ({problem}). Unplug it.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
