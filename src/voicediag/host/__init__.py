"""The machine: what it is."""
