"""The platforms' messages as they come, checked at the threshold."""
