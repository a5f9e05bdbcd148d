"""A throw-away account that looks like a real one, for a first look and for the screenshots."""
