"""Datasets, samplers and loaders, and what becomes of their batches."""
