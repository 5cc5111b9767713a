"""The real thing: a Miniscope on its DAQ, over USB."""
