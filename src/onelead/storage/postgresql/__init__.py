"""The engine for many processes."""
