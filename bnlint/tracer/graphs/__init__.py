"""From the records of a trace to the graph that rules read."""
