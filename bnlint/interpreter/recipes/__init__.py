"""How to build again what the program built."""
