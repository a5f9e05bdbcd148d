"""What the rows of a file mean: pure rules that only files need."""
