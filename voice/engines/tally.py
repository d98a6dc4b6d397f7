"""What a worker has done since it started: for its log and for `/health`."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from voice.types import Finish, Json

CHARS_PER_TOKEN = 4  # of English, as most tokenizers cut it


@dataclass
class Tally:
    """Jobs by how they ended, and tokens.

    `late` jobs were stopped at their own `reply_ms`, `stopped` ones by whoever had asked. `tokens_saved`
    is an estimate: what such a job was allowed to write, less what its words so far come to. `without_tools`
    are done ones whose tools the model could not be shown.
    """

    done: int = 0
    refused: int = 0
    failed: int = 0
    late: int = 0
    stopped: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    tokens_saved: int = 0
    without_tools: int = 0

    def wrote(self, finish: Finish) -> None:
        """A reply came to its end."""
        self.done += 1
        self.tokens_read += finish.usage.prompt_tokens
        self.tokens_written += finish.usage.completion_tokens
        self.without_tools += "tools" in finish.ignored

    def broke(self, *, is_refused: bool) -> None:
        """A job got no reply, or no end of it."""
        self.refused += is_refused
        self.failed += not is_refused

    def saved(self, max_tokens: int, words: str, *, is_late: bool) -> int:
        """A reply was stopped after these words; returns the tokens that were not written."""
        self.late += is_late
        self.stopped += not is_late
        written = self.tokens_in(words)
        saved = max(0, max_tokens - written)
        self.tokens_written += written
        self.tokens_saved += saved
        return saved

    @staticmethod
    def tokens_in(words: str) -> int:
        """About how many tokens these words were."""
        return -(-len(words) // CHARS_PER_TOKEN)

    def told(self) -> dict[str, Json]:
        """As log fields, and as JSON."""
        return asdict(self)
