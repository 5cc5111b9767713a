"""The graph as it is drawn: boxes, ports, wires, and what a hand does to them."""
