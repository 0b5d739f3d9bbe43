"""The far end that we ship: a relay with faults on demand."""
