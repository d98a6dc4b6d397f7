"""One turn asked of RunPod: its reply as far as it has come, and its job, where it has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from voice.clock import Deadline
from voice.errors import ModelError, ReplyBroken, RouteDown, WorkerCold
from voice.models.output import OutputReader, error_sentence
from voice.models.runpod_api import FINAL, Answer, seconds_of, status_of
from voice.types import Finish, Hear, Json, Prompt


@dataclass
class Ask:
    """What one turn wants, and what has come of it. `route` is named in errors."""

    route: str
    prompt: Prompt
    deadline: Deadline
    hear: Hear
    reader: OutputReader = field(init=False)
    began: bool = False  # a worker has begun to answer
    said: bool = False  # a word was given
    job_id: str | None = None
    over_at: float = 0.0  # when the job's own ttl ends it
    answer: Answer = field(default_factory=dict)  # RunPod's latest word on the job
    finish: Finish | None = None  # all words have come

    def __post_init__(self) -> None:
        self.begin_again()

    @property
    def status(self) -> str:
        return status_of(self.answer)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def begin_again(self) -> None:
        """Another way is tried: nothing was said in this one."""
        self.reader, self.answer = OutputReader(self.route), {}

    def read(self, item: Json) -> None:
        if text := self.reader.feed(item):
            self.say(text)

    def say(self, text: str) -> None:
        """Text for the caller; an empty one tells that the last word has come."""
        self.said = self.said or bool(text.strip())
        self.hear(text)

    def read_all(self, items: list[Json]) -> None:
        """Items of /stream, each `{"output": …}`, or bare."""
        for item in items:
            self.read(item["output"] if isinstance(item, Mapping) and "output" in item else item)

    def end(self) -> Finish:
        """All items have been read. Raises EmptyReply when there was no word among them."""
        if text := self.reader.end():
            self.say(text)
        self.finish = replace(
            self.reader.finish(),
            queued_s=seconds_of(self.answer, "delayTime"),
            busy_s=seconds_of(self.answer, "executionTime"),
        )
        return self.finish

    def failed(self, ended: str) -> ReplyBroken:
        """The error of a job that ended like this."""
        reason = error_sentence(self.answer.get("error") or self.answer.get("output"))
        return ReplyBroken(f"route {self.route!r}: the job ended {ended}: {reason}")

    def too_late(self) -> ModelError:
        """The error of a reply whose time is over."""
        if self.said:
            return ReplyBroken(f"route {self.route!r} was not done in time")
        if self.status == "IN_QUEUE":
            return WorkerCold(f"route {self.route!r}: the job waited in the queue all the time")
        return RouteDown(f"route {self.route!r} did not answer in time")
