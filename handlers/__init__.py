"""The doors: what a platform calls over the web."""
