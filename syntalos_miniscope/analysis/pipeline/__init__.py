"""A recorded movie from frames to answers, offline: `syntalos-miniscope analyze`."""
