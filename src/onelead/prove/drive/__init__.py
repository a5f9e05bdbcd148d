"""Makes the history: clients that deliver the same people to server processes, which it kills."""
