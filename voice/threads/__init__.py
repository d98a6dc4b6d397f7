"""What was said, call by call."""
