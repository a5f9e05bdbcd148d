"""A throw-away account that looks like one in use: for a first look, and for the screenshots."""
