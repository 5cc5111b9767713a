"""A box for tests of the editor."""

from syntalos_miniscope.node import In, Node
from syntalos_miniscope.streams import TableRow


class Rows(Node):
    """Takes rows."""

    inputs = (In("rows-in", "Rows", TableRow),)
