"""What people do with leads besides writing them: merging, undoing, deciding what is meant."""
