"""What an operator orders for a live call: `curl -d '{"text": "Help is on its way."}' …/say`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictStr

from handlers.vapi.control import Order, end_call, message, mute, say, transfer
from handlers.wire.reading import words

MAX_TEXT_CHARS = 1_000  # a minute of speech
MAX_TO_CHARS = 300  # a SIP address


def _some_words(text: str) -> str:
    if line := words(text):
        return line
    raise ValueError("must hold at least one word")


Words = Annotated[StrictStr, Field(max_length=MAX_TEXT_CHARS), AfterValidator(_some_words)]


class _Steer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SteerSay(_Steer):
    """Words for the caller. `end`: hang up once they are spoken. `interrupt`: over what the agent says."""

    text: Words
    end: StrictBool = False
    interrupt: StrictBool = False

    def order(self) -> Order:
        return say(self.text, then_end=self.end, interrupts=self.interrupt)


class SteerMessage(_Steer):
    """Something for the model to know; with `respond` the agent answers to it at once."""

    text: Words
    role: Literal["system", "user", "assistant"] = "system"
    respond: StrictBool = True

    def order(self) -> Order:
        return message(self.text, role=self.role, respond=self.respond)


class SteerEnd(_Steer):
    """Hang up."""

    def order(self) -> Order:
        return end_call()


class SteerTransfer(_Steer):
    """Connect the caller to somebody else; `text` is said before. The call decides whom it can reach."""

    to: Annotated[StrictStr, Field(max_length=MAX_TO_CHARS)]
    text: Words | None = None

    def order(self) -> Order:
        return transfer(self.to, self.text or "")


class SteerMute(_Steer):
    """Silence the agent, unless `who` says the caller; `on` false lets them be heard again."""

    who: Literal["agent", "caller"] = "agent"
    on: StrictBool = True

    def order(self) -> Order:
        return mute("assistant" if self.who == "agent" else "customer", on=self.on)


AnySteer = SteerSay | SteerMessage | SteerEnd | SteerTransfer | SteerMute
STEERS: dict[str, type[AnySteer]] = {
    "say": SteerSay,
    "message": SteerMessage,
    "end": SteerEnd,
    "transfer": SteerTransfer,
    "mute": SteerMute,
}
