"""One dialogue while it is being written: who said what, and what the agent knows by now.

A caller's style (full sentences, or lower case without marks, as some speech-to-text
gives it) holds for the whole call, and values are repeated in the form they were said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from voice.training.dialogues import slots
from voice.training.dialogues.grammar import Split, phrases, pick, render, table, tidy, wordings
from voice.training.dialogues.settings import Setting

Who = Literal["user", "assistant"]
Must = tuple[tuple[str, ...], ...]
"""What a good reply contains, in lower case: of each group one."""

FILLERS = ("um,", "uh,", "so,", "well,", "yeah,", "okay so", "um", "uh", "like,", "I mean,", "oh,")
FILLER_SHARE = 0.12


@dataclass(frozen=True, slots=True)
class Line:
    """What one side said. `learn`: whether the model is to learn it; `must`: how it is judged."""

    who: Who
    text: str
    act: str = ""
    must: Must = ()
    learn: bool = True


@dataclass(slots=True)
class Talk:
    """A dialogue being written, with the values that the caller has given."""

    rng: Random
    split: Split
    where: Setting
    lines: list[Line] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    is_plain: bool = False  # the caller's words come in lower case, without marks
    ends_bare: bool = False  # …or cased, but without the last mark

    def __post_init__(self) -> None:
        chance = self.rng.random()
        self.is_plain, self.ends_bare = chance < 0.28, 0.28 <= chance < 0.36
        self.known.update(me=self.where.me, office=self.where.office)

    def chance(self, share: float) -> bool:
        """True in this share of cases."""
        return self.rng.random() < share

    def says(self, *choices: Sequence[str], **values: str) -> None:
        """The caller says one wording of each list, as one utterance."""
        pieces: list[str] = []
        for each in choices:
            if not each:
                continue
            piece = render(self.rng, pick(self.rng, each, self.split), {**self.known, **values})
            if piece:
                pieces.append(piece)
        if pieces and self.chance(FILLER_SHARE):
            pieces.insert(0, self.rng.choice(FILLERS))
        self.lines.append(Line("user", self._styled(pieces)))

    def _styled(self, pieces: Sequence[str]) -> str:
        text = ""
        for piece in pieces:
            starts_sentence = not text or text[-1] in ".?!"
            ended = text.endswith((",", " and", " so", "um", "uh")) or starts_sentence
            text += piece if not text else (f" {piece}" if ended else f". {piece}")
        if self.is_plain:
            return plain(text)
        text = re.sub(
            r"(^|[.?!] )([a-z])", lambda match: match.group(1) + match.group(2).upper(), text.rstrip(",")
        )
        return text if self.ends_bare or text[-1:] in "?!." else text + "."

    def replies(self, act: str, *choices: str | Sequence[str], must: Must = (), **values: str) -> None:
        """The agent says one wording of each list, or the sentence given."""
        pieces = [each if isinstance(each, str) else self.rng.choice(each) for each in choices]
        text = render(self.rng, " ".join(pieces), {**self.known, **values})
        text = re.sub(r"([.?!] )([a-z])", lambda match: match.group(1) + match.group(2).upper(), text)
        self.lines.append(Line("assistant", text[:1].upper() + text[1:], act, must))

    def give(self, name: str, said: slots.Said) -> None:
        """Remember a value in the form this caller gives it; `{name}_said` is what they say."""
        self.known[name] = self._in_style(said.repeated)
        self.known[f"{name}_said"] = self._in_style(said.said)

    def give_text(self, name: str, value: str) -> None:
        """Remember a value that is repeated as it is said."""
        self.give(name, slots.Said(value, value))

    def _in_style(self, value: str) -> str:
        return plain(value) if self.is_plain else value


def plain(text: str) -> str:
    """Words as a bare speech-to-text gives them: lower case, no sentence marks."""
    return tidy(re.sub(r"[.,?!](?=\s|$)", "", text.lower()))


def must_copy(talk: Talk, *names: str) -> Must:
    """The values of these names, each of which the reply has to contain."""
    return tuple((talk.known[each].lower(),) for each in names)


def from_file(name: str, key: str) -> tuple[str, ...]:
    """A list of wordings of a file."""
    return wordings(phrases(name)[key])


def reply_words(key: str) -> tuple[str, ...]:
    """One of the agent's lists of wordings in a repair."""
    return wordings(table(phrases("answers")["reply"])[key])


def topic(name: str, key: str) -> Mapping[str, object]:
    """A table of a file: one problem, or one question."""
    return table(phrases(name)[key])


def must_of(found: object) -> Must:
    """The `must` of a question in the file."""
    return tuple(wordings(group) for group in found) if isinstance(found, list) else ()
