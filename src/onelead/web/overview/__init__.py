"""What arrives, as numbers, as a picture and as it happens."""
