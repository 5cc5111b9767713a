"""Hosts that run a graph."""
