"""What the options of a script are, and what the words of a command line give them."""
