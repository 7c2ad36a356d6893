"""What a batch that is trained on consists of: how many samples, of which data, how they hang together."""
