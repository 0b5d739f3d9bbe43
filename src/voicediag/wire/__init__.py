"""Bytes ⇄ messages, no I/O. A parser given any bytes returns a message or raises the one documented error."""
