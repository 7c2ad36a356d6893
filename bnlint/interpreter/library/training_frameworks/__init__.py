"""Frameworks that call the methods of a program: they train, evaluate, search and serve."""
