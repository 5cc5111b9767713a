"""Graph nodes for a Miniscope, its recordings and a simulated one: the library, without windows."""
