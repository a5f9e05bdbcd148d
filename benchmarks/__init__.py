"""Benchmarks: ratios measured side by side in one run. `make bench`, `python -m benchmarks --help`.

Nothing here is a test or is installed with the program.
"""
