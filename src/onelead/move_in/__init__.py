"""Moving in from another system: settings and leads come in, and again what changes there."""
