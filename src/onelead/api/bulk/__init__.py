"""Upserts without end in one call: the endpoint, and the answer as they are written."""
