"""Configurations that a program reads from files, or composes."""
