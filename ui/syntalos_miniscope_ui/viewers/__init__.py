"""Live views of what flows, chosen by the type of the stream."""
