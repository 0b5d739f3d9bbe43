"""Report → text: terminal, JSON, schema."""
