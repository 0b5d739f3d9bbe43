"""Results in, findings out. No I/O, no clock. Limits live in `thresholds.py` and nowhere else."""
