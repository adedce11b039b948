"""Pages of indexes -> batches of tensors."""
