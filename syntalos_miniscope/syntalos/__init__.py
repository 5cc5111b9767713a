"""The nodes at home in Syntalos: one out-of-process module for each, through `syntalos_mlink`.

`link` alone imports `syntalos_mlink`. A source runs at the far end of a channel, on a thread or in
a process of its own, because the link holds Python's lock whenever it waits; everything else runs
on the thread of the link.
"""
