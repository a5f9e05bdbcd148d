"""From the bytes of a file to rows of text: one reader for each kind of file."""
