"""Importing a project's modules without what only acts."""
