"""Source bundles: their index, and the lines around a frame."""
