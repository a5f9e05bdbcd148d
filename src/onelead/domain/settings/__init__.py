"""The rules for changes to an account's settings."""
