"""The pages of batches that can be undone together."""
