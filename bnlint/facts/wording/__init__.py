"""Evidence and fixes: where they stand, and in which words."""
