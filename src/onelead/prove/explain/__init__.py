"""The few operations of a history that contradict each other."""
