"""Which model is asked."""
