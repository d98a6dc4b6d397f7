"""What can be done to a call besides talking, and whom it can be given to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from voice.types.model import ToolSpec

E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # a number as every telephone network can dial it
RING_S = 25  # before voicemail takes most calls: the caller is better off with us
ACCEPT_KEY = "1"  # a voicemail presses none
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")  # in an HttpTool's url


@dataclass(frozen=True, slots=True)
class TransferTarget:
    """Whom an agent may transfer a call to. `to` can be dialled: +1…, sip:… or a listed short code.

    `whispers`: before the two are joined, the person hears in a sentence who calls and what about.
    `accept_key` is the key by which they take the call; "": picking up is enough.
    """

    name: str
    to: str
    purpose: str  # what for, as the model reads it
    say: str = ""  # the words before it
    ring_s: int = RING_S
    whispers: bool = True
    accept_key: str = ACCEPT_KEY


HandoffKind = Literal["agent", "assistant", "assistant_id"]


@dataclass(frozen=True, slots=True)
class HandoffTarget:
    """Who may go on with a call in an agent's place.

    `to` is the name of one of our agents, the name of an assistant in the platform's squad, or an
    assistant's id at the platform, as `kind` says.
    """

    name: str
    kind: HandoffKind
    to: str
    purpose: str  # what for, as the model reads it
    say: str = ""  # the words before it; "" for one of ours: its greeting

    @property
    def is_ours(self) -> bool:
        return self.kind == "agent"


@dataclass(frozen=True, slots=True)
class HttpTool:
    """A request that an agent may have made. Each {placeholder} of `url` is a needed parameter of `spec`."""

    spec: ToolSpec
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # secrets are in it
    timeout_s: float = 5.0
    is_private: bool = False  # whether its host may have an address that is not public


class Action(StrEnum):
    """What can be done to a call besides talking; the door does it in its platform's way."""

    END_CALL = "end_call"
    TRANSFER = "transfer"
    DTMF = "dtmf"
    VOICEMAIL = "voicemail"
    HANDOFF = "handoff"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a tool wants done to the call.

    `to`: whom to transfer to (+1…, sip:…), or the agent to hand off to. `digits`: the keys to press.
    `say`: the last words before it; "" when the reply has said what there is to say.
    """

    action: Action
    to: str | None = None
    digits: str = ""
    say: str = ""

    @property
    def told(self) -> str:
        """What a model or a platform reads as the tool's answer."""
        return f"{self.action.value} is being done."
