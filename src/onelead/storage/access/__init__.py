"""Accounts, users, keys, passwords and sessions, as every engine keeps them."""
