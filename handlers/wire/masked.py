"""A foreign message as it may be kept, for the doors. The rule lives where tools are kept by it, too."""

from voice.telemetry.known import NO_SECRETS, KnownSecrets
from voice.telemetry.masked import KEYLIKE, SECRET_WORDS, clean, mask, text_to_keep

__all__ = ["KEYLIKE", "NO_SECRETS", "SECRET_WORDS", "KnownSecrets", "clean", "mask", "text_to_keep"]
