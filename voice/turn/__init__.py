"""The road: one turn from the utterance to the last chunk."""
