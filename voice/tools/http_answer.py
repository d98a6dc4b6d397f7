"""What a host answered, as a model may read it: one bounded line, and a sentence for every trouble."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voice.errors import ToolFailed

log = logging.getLogger(__name__)

MAX_TOLD_CHARS = 1500  # about 400 tokens: more delays the model's first word
MAX_WHY_CHARS = 300  # of a host's own words about what it does not like
WHY_KEYS = ("detail", "message", "error", "title", "reason", "description")
CUT = " … (cut)"
PLAIN = ("", "text/plain", "text/csv", "text/markdown")
BUSY = (408, 425, 429)
KEY_REFUSED = (401, 403, 407)
UNKNOWN = "Nobody knows whether it was done. Do not do it again; offer the caller a call back."
OUT_OF_ORDER = "is out of order right now. Offer the caller a call back."


class Trouble(StrEnum):
    """Why there is no answer."""

    FORBIDDEN = "forbidden"  # the host's address is not public
    UNREACHED = "unreached"  # nothing was sent
    LOST = "lost"  # something was sent


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came. `is_whole` is False where it was longer than we read."""

    status: int
    kind: str  # the content type, without parameters; "" where none was told
    body: bytes
    is_whole: bool = True


def told(name: str, answer: Answer, *, is_read_only: bool) -> str:
    """What the model reads of an answer. Raises ToolFailed with a sentence when it is no success."""
    status = answer.status
    if 200 <= status < 300:
        return _success(name, answer, is_read_only=is_read_only)
    log.warning("tool.http_status", extra={"tool": name, "status": status})
    if status in BUSY:
        raise ToolFailed(f"{name} is busy. Ask again later in the call.")
    if 300 <= status < 400 or status in KEY_REFUSED:  # no mistake of the model's
        raise ToolFailed(f"{name} {OUT_OF_ORDER}")
    if 400 <= status < 500:
        why = _why(answer)
        fallback = "found nothing." if status == 404 else "did not take that."
        raise ToolFailed(f"{name} did not take that: {why}" if why else f"{name} {fallback}")
    raise ToolFailed(f"{name} {OUT_OF_ORDER}" if is_read_only else f"{name} failed. {UNKNOWN}")


def trouble(name: str, what: Trouble, *, is_read_only: bool) -> ToolFailed:
    """The sentence for no answer at all."""
    if what is Trouble.LOST and not is_read_only:
        return ToolFailed(f"{name} did not answer. {UNKNOWN}")
    return ToolFailed(f"{name} cannot be reached right now. Offer the caller a call back.")


def one_line(text: str, max_chars: int) -> str:
    """Text on one line, without what cannot be printed, and not longer than this."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= max_chars else line[:max_chars].rstrip() + CUT


def _success(name: str, answer: Answer, *, is_read_only: bool) -> str:
    if not answer.body.strip():
        return "Done."
    text = answer.body.decode(errors="replace")
    if _is_json(answer) and answer.is_whole:
        try:
            return one_line(_shown(json.loads(text)), MAX_TOLD_CHARS)
        except (ValueError, RecursionError):
            log.warning("tool.not_json", extra={"tool": name})
    elif _is_json(answer) or answer.kind in PLAIN:
        return one_line(text, MAX_TOLD_CHARS)
    if is_read_only:
        raise ToolFailed(f"{name} {OUT_OF_ORDER}")
    raise ToolFailed(f"{name} answered, but nobody can read what. {UNKNOWN}")


def _is_json(answer: Answer) -> bool:
    return answer.kind == "application/json" or answer.kind.endswith("+json")


def _shown(found: Any) -> str:
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _why(answer: Answer) -> str:
    """What a host says is wrong: its words where it has some, else nothing."""
    if answer.kind == "text/plain":
        return one_line(answer.body.decode(errors="replace"), MAX_WHY_CHARS)
    try:
        found = json.loads(answer.body) if _is_json(answer) and answer.is_whole else None
    except (ValueError, RecursionError):
        return ""
    for _ in range(2):  # {"error": {"message": "…"}}
        if isinstance(found, dict):
            found = next((found[key] for key in WHY_KEYS if found.get(key)), None)
    return one_line(found, MAX_WHY_CHARS) if isinstance(found, str) else ""
