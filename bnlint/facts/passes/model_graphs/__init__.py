"""What the graph of one model says: its layers, and what stands for what in its tensors."""
