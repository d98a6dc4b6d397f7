"""Text that can be said aloud."""
