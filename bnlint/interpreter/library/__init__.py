"""What Python's and other packages' functions and classes mean."""
