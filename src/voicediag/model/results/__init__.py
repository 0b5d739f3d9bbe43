"""What each check measured, one module a room."""
