"""Accounts, users, API keys, passwords and sessions."""
