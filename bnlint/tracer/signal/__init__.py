"""Measuring how the signal of a model propagates."""
