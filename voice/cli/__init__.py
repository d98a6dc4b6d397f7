"""Each command one file."""
