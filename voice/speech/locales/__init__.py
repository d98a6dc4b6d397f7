"""The languages that text can be said in."""
