"""Functions of torch, methods of its tensors, modules and parameters, and tools that run a model."""
