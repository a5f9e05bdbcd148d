"""The storage contract: what every engine promises to the rest of the program."""
