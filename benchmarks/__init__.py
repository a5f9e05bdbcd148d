"""Benchmarks: ratios measured side by side in one run. `make bench`, `python -m benchmarks --help`.

Nothing here is a test, and nothing here is installed with the program.
"""
