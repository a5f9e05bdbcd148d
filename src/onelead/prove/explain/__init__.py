"""Explains a failure: finds the few operations of the history that contradict each other."""
