"""What follows from the facts of one graph or one run, derived once for all rules."""
