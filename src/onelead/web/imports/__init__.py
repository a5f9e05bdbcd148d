"""Import: bringing in files, from the upload to the result."""
