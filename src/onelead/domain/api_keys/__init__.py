"""What an API key is for, and how its text is built."""
