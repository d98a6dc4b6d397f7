"""The one tree of errors, each with what to do about it.

VoiceError
├── SetupError            the product cannot start as it is configured
│   ├── AgentFileError      an agent's TOML file cannot be used
│   └── StoreError          the database cannot be reached or used
│       └── RowsRefused         the database refuses some rows for what is in them
├── BadRequest            a foreign message cannot be understood
│   ├── BadJob              a RunPod job or a prompt cannot be used
│   │   └── UnknownModel        the worker does not have the model that a job names
│   ├── TooLarge            a body over the limit
│   ├── UnknownAgent        no agent or route has this name
│   └── NotAllowed          the secret is missing or wrong
│       └── LoopbackOnly        the door has no secret and the request is not from this machine
├── ModelError            a route did not give a usable reply
│   ├── RouteRefused        the host says no: key, endpoint or request is wrong
│   ├── RouteDown           the host cannot be reached, or answers 5xx
│   ├── RouteBusy           the host's limit is reached
│   ├── RouteSlow           not a word by the time that the caller had to hear one
│   ├── WorkerCold          the job waits in the queue and no worker is warm
│   ├── EmptyReply          the host answered without a word to say
│   │   └── OnlyJson        … with JSON alone, which nobody can say
│   ├── ReplyBroken         the stream ended in the middle, or is not what it should be
│   ├── ReplyStalled        the stream began and then brought nothing more
│   ├── ReplyLoops          the reply goes in circles
│   └── EngineDied          the process that runs the weights is gone
├── ToolFailed            a tool could not do what it was asked for
├── OrderRefused          a platform's API says no to what it was asked to do, and has not done it
│   └── NotReached            the platform's API was not reached: nothing was asked of it
├── OrderUnknown          nobody knows whether a platform has done what it was asked to do
├── LinesBusy             more live calls than OFFHOOK_MAX_CALLS
└── NoRouteLeft           every route of a turn failed; holds one ModelError per route
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

ErrorT = TypeVar("ErrorT", bound=BaseException)


class VoiceError(Exception):
    """Something this project understands went wrong.

    `to_do` is a sentence for whoever reads the log. `outside` is all that a
    platform or a browser may learn. `retry` says whether asking again can help.
    """

    to_do = "See the lines with the same call_id."
    outside = "The request could not be answered."
    retry = False


class SetupError(VoiceError):
    """The product cannot start as it is configured. The message says what to write instead."""

    to_do = "Run `offhook doctor`: it prints every setting and what is wrong with it."


class AgentFileError(SetupError):
    """An agent's file cannot be used: the message names the file, the key's path and what to write."""

    to_do = "Correct the agent's file; docs/agents.md explains every key."


class StoreError(SetupError):
    """The database cannot be reached or used."""

    to_do = "Check OFFHOOK_DATABASE_URL, OFFHOOK_DATA_DIR and that the database is up."
    retry = True


class RowsRefused(StoreError):
    """The database refused some rows for what is in them. All others of their group are written."""

    to_do = "Report it with the log lines beside it: rows are made storable before they are written."
    retry = False


class BadRequest(VoiceError):
    """A foreign message cannot be understood. The message is safe to show to its sender."""

    to_do = "The sender must correct its message."

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.outside = message


class BadJob(BadRequest):
    """A RunPod job or a prompt cannot be used; one sentence says why."""


class UnknownModel(BadJob):
    """The worker does not have the model that a job names; the sentence lists those it has."""

    to_do = "Name one of the worker's models, or give it the model: OFFHOOK_MODEL, OFFHOOK_ADAPTERS."


class TooLarge(BadRequest):
    """A body over OFFHOOK_MAX_BODY_BYTES."""

    to_do = "Raise OFFHOOK_MAX_BODY_BYTES, if bodies of this size are wanted."


class UnknownAgent(BadRequest):
    """No agent and no route has this name."""


class NotAllowed(BadRequest):
    """The secret is missing (401) or wrong (403). Never says which part."""

    to_do = "Check the secret on both sides; `offhook doctor` shows which doors have one."

    def __init__(self, *, missing: bool, reason: str = "", to_do: str | None = None) -> None:
        super().__init__("Not authorised.")
        self.missing = missing
        self.reason = reason  # for operators: what came and what is wrong with it, never a value
        self.to_do = to_do or self.to_do


class LoopbackOnly(NotAllowed):
    """The door has no secret, so it answers to this machine only, and the request came from elsewhere."""

    to_do = "Set the door's secret (VAPI_SECRET, TWILIO_AUTH_TOKEN, OFFHOOK_API_KEY), or OFFHOOK_OPEN=1."

    def __init__(self, reason: str = "", to_do: str | None = None) -> None:
        super().__init__(missing=False, reason=reason, to_do=to_do)


class ModelError(VoiceError):
    """A route did not give a usable reply."""


class RouteRefused(ModelError):
    """The host says no: the key, the endpoint or the request is wrong."""

    to_do = "Check the route's key and endpoint id; `offhook doctor` asks each route."


class RouteDown(ModelError):
    """The host cannot be reached, answers 5xx, or an HTML page in place of JSON."""

    to_do = "See the host's status page; calls go on over the other routes."
    retry = True


class RouteBusy(ModelError):
    """The host's rate limit is reached (429), or it has no worker to give."""

    to_do = "Raise the endpoint's maximum workers, or add a second route."
    retry = True


class RouteSlow(ModelError):
    """The route had not written a word when the caller had to hear one."""

    to_do = "Look at the host's load and at the worker's cold starts; let a quicker route stand beside it."
    retry = True


class WorkerCold(ModelError):
    """RunPod has the job in its queue and no worker is warm."""

    to_do = "Set the endpoint's minimum workers to 1, or let a warm route stand beside it."
    retry = True


class EmptyReply(ModelError):
    """The host answered without a word to say."""

    to_do = "Look at the model's prompt and stop words."
    retry = True


class OnlyJson(EmptyReply):
    """The host answered with JSON alone, which nobody can say."""

    to_do = "Have the model write plain words: no JSON in its prompt, no response format at its host."


class ReplyBroken(ModelError):
    """The stream ended in the middle, or is not what it should be."""

    to_do = "See the worker's own log for the job."
    retry = True


class ReplyStalled(ModelError):
    """The caller heard a beginning, and then nothing more came for the length of a gap."""

    to_do = "Look at the host's load at that time; another route finished the sentence if one was left."
    retry = True


class ReplyLoops(ModelError):
    """The model writes the same words again and again."""

    to_do = "Raise the model's repetition penalty, or shorten its replies (`max_tokens`)."


class EngineDied(ModelError):
    """The process that runs the weights is gone, or could not load them."""

    to_do = "It is started again by itself; look at its last log lines."
    retry = True


class ToolFailed(VoiceError):
    """A tool could not do what it was asked for. The message is a sentence for the model, without a cause."""

    to_do = "See the line tool.* before it: the tool's host, its key or its time limit."


class OrderRefused(VoiceError):
    """A platform's API says no to what it was asked to do: it has not done it."""

    to_do = "The message says what the platform wants; `offhook doctor twilio` asks it."
    retry = True


class NotReached(OrderRefused):
    """A platform's API was not reached, so nothing was asked of it."""

    to_do = "Look at this machine's way to the network, and at the platform's URL in the settings."


class OrderUnknown(VoiceError):
    """Nobody knows whether a platform has done what it was asked. It must not be asked again blindly."""

    to_do = "Send the same order again with the same idempotency_key: it is looked up, not done again."
    retry = True


class LinesBusy(VoiceError):
    """More live calls than OFFHOOK_MAX_CALLS; the caller hears the agent's busy line."""

    to_do = "Raise OFFHOOK_MAX_CALLS, or add a machine."
    outside = "All lines are busy."
    retry = True


class NoRouteLeft(VoiceError):
    """Every route of a turn failed. `failures` holds one ModelError per route, in the order asked."""

    to_do = "See failures; the caller heard a fallback."

    def __init__(self, failures: Sequence[ModelError]) -> None:
        super().__init__(
            "; ".join(f"{type(failure).__name__}: {failure}" for failure in failures) or "no route"
        )
        self.failures = tuple(failures)


def without_frames(error: ErrorT) -> ErrorT:
    """The same error without where it happened, for whoever keeps it.

    The frames hold what was worked on: an error that is kept there as well makes a ring, which would wait for
    the garbage collector.
    """
    found: BaseException | None = error
    while found is not None and found.__traceback__ is not None:
        found.__traceback__ = None
        found = found.__cause__ or found.__context__
    return error
