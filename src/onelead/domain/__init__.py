"""The rules, pure: no I/O, no HTTP, no SQL, no clock and no randomness."""
