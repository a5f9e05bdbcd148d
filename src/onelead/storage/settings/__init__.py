"""An account's settings as rows, and the match keys that follow from them."""
