"""Erasing persons, and removing payloads by age."""
