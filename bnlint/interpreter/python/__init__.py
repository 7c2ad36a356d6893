"""What Python's statements and expressions do."""
