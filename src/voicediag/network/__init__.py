"""The path. Some modules touch the wire (resolve, probe); the others think in rows."""
