"""Signing in: which passwords are good, and how many attempts there are."""
