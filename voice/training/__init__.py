"""The small model: the dialogues it learns from, its tokenizer, training, export and evaluation.

Importing this loads nothing heavy; torch and its kin come with the extra `train` and
are imported by the functions that need them.
"""
