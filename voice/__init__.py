"""The brain behind a phone agent: runs without a web server."""
