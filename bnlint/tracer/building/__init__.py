"""Building a model without its weights, its GPU and its data."""
