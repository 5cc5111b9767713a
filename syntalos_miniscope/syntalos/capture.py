"""The capture process: runs one source whose hardware cannot wait, away from the link's lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

from syntalos_miniscope.engine.sharing import share_among_boxes
from syntalos_miniscope.syntalos.channel import Channel, PipeChannel
from syntalos_miniscope.syntalos.nodes import load_node
from syntalos_miniscope.syntalos.source import Source


class CaptureProcess:
    """A child that runs a source; it ends, its LED dark, when this end of the channel closes."""

    def __init__(self, node_at: str) -> None:
        channel, fds = PipeChannel.open()
        self.channel: Channel = channel
        words = [sys.executable, "-P", "-m", __name__, *map(str, fds), node_at]
        self._child = subprocess.Popen(words, pass_fds=fds, stdin=subprocess.DEVNULL)
        for fd in fds:
            os.close(fd)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._child.pid

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if it does not come, and then the process is ended."""
        self.channel.close()
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            return False
        return True


def main(pipe_fd: int, ring_fd: int, node_at: str) -> None:
    """Run a source over a channel that was handed down."""
    source = Source(load_node(node_at), PipeChannel(pipe_fd, ring_fd))

    def stop(number: int, frame: Any) -> None:
        source.ask_to_stop()

    # Ctrl-C in the terminal of Syntalos reaches everybody: its Stop, which follows, is enough.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    share_among_boxes()
    source.live()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
