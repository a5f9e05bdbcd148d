"""What lives as long as a serving process: the writer, background work, metrics."""
