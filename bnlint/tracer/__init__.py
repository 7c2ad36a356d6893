"""Tracing: build the real model, record one forward of it with torch.fx, and describe what happened.

Two processes share this package. The guarded child (``server`` and all that it imports) runs the
user's code and knows torch, but neither LibCST nor click. The command line (``process``,
``model_graphs``) asks it for records and turns them into graphs, and imports no torch.
"""
