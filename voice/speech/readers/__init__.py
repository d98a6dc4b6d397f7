"""Readers: one file per family of things that are written short and said long.

A reader looks at one place of a text and gives the span that it reads there, or None when what
stands there is not of its family.
"""
