"""Tests of the reflector room."""
