"""What the names of torch mean: its layers and operations, in tables that both front ends read."""
