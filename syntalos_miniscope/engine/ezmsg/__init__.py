"""The distributed engine: a process for each box or group of boxes, on one machine or several."""
