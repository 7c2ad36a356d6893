"""Running statistics: of which weights and which batches they are."""
