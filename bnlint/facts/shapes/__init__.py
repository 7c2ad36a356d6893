"""Arithmetic of dimensions, for operations that front ends execute and for those of graphs."""
