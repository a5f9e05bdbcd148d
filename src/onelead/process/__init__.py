"""What lives as long as a serving process: the writer, work in the background, what it counts."""
