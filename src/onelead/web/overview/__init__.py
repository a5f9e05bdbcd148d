"""The Overview: figures, a chart, and deliveries as they arrive."""
