"""The local engine: a thread for each box, bounded queues between them, one process."""

from __future__ import annotations

from contextlib import ExitStack

from syntalos_miniscope.engine.course import Engine
from syntalos_miniscope.engine.precedence import awaited, give_precedence
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.engine.sharing import share_among_boxes
from syntalos_miniscope.engine.worker import Worker
from syntalos_miniscope.project import Graph


class LocalEngine(Engine):
    """Runs a graph once, on the threads of one process."""

    def __init__(self, graph: Graph, options: RunOptions) -> None:
        super().__init__(graph, options)
        self._undo = ExitStack()
        self._workers = {
            node_id: Worker(
                entry.box, entry.type, entry.settings, self.clock, self._dataset, self._on_failed
            )
            for node_id, entry in graph.nodes.items()
        }
        self._boxes = self._workers
        order = list(graph.nodes)
        for wire in graph.wires:
            sender, receiver = wire.source[0], wire.target[0]
            self._workers[sender].connect(
                wire.out.id,
                self._workers[receiver],
                wire.into.id,
                outlived=order.index(sender) < order.index(receiver),
            )

    def start(self) -> None:
        """Set t = 0 and let every node begin."""
        self._undo.callback(share_among_boxes())
        try:
            super().start()
        except BaseException:
            self._release()
            raise
        first = awaited(self._graph)
        give_precedence([worker for id, worker in self._workers.items() if id in first])

    def _release(self) -> None:
        self._undo.close()
