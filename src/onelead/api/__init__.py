"""The JSON API: Copper's wire, and our additions beside it."""
