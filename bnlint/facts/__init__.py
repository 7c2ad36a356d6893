"""What front ends learn about a program and rules read; knows neither LibCST nor torch."""
