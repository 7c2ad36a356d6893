"""What front ends say about a program: plain values."""
