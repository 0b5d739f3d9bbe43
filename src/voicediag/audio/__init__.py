"""Sound. Some modules touch the card (devices, capture, playback); the others think in arrays and do no I/O."""
