"""From a raw frame to a display frame: background, contrast, colour and warnings."""
