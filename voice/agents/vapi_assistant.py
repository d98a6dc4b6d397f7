"""An agent as Vapi's assistant: the JSON that lets Vapi hear and speak, and us write the words.

Each setting is here because its default costs a caller something; docs/vapi.md says what. The same
assistant answers an assistant-request and is created by `offhook vapi push`.

Source: CreateAssistantDto of vapi_server_sdk 1.9, docs.vapi.ai/assistants and VapiAI/gitops (2026-06).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from voice.agents.agent import Agent
from voice.agents.vapi_line import transcriber_for
from voice.types import Action

# What an assistant that we describe tells us; the defaults add every word's history, twice per turn.
SERVER_MESSAGES = (
    "status-update",
    'transcript[transcriptType="final"]',
    "tool-calls",
    "transfer-destination-request",
    "handoff-destination-request",
    "speech-update",
    "user-interrupted",
    "hang",
    "end-of-call-report",
)
VOICE = "vapi/Elliot"  # provider/voice id
MAX_NAME_CHARS = 40  # more is refused by Vapi
SERVER_TIMEOUT_S = MODEL_TIMEOUT_S = 20  # Vapi's own; our deadline speaks long before
MIN_TOKENS, MAX_TOKENS = 50, 10_000  # Vapi refuses others
CHUNK_CHARS = 30  # before Vapi speaks; our fillers are longer, so that they are heard at once
# Held before the sound and not before the request, so it hides the model's own time.
WAIT_S = 0.4
ON_PUNCTUATION_S, ON_NO_PUNCTUATION_S, ON_NUMBER_S = 0.1, 0.8, 0.5  # the second is 1.5 s by default
VOICE_S, BACKOFF_S = 0.3, 0.8  # a cough does not interrupt; the agent comes back soon after a false one
SILENCE_S, SILENCE_TIMES = 10, 2
DOOR = re.compile(r"(?<=[^/])/vapi(/.*)?$")

# How Vapi's own tools are declared; the name is what a request's `tools` show us.
PLATFORM_TOOLS: Mapping[Action, tuple[str, str]] = {
    Action.END_CALL: ("endCall", "Hang up, once the caller has said goodbye."),
    Action.TRANSFER: ("transferCall", "Connect the caller to somebody else."),
    Action.DTMF: ("dtmf", "Press keys on the telephone."),
}


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How Vapi reaches us: the model's URL, to which it appends /chat/completions; the server's URL.

    `secret` is shown at both, `model_key` at the model's URL alone. Without a server, events go to the
    URL that asked for the assistant.
    """

    model_url: str
    server_url: str | None = None
    secret: str | None = field(default=None, repr=False)
    model_key: str | None = field(default=None, repr=False)


def ways_in(
    base_url: str,
    agent: str,
    secret: str | None = None,
    path_key: str | None = None,
    model_key: str | None = None,
) -> WaysIn:
    """Our own doors at a public URL; `path_key` where one is set."""
    door = vapi_door(base_url, path_key)
    return WaysIn(door, f"{door}/webhook?agent={quote(agent)}", secret, model_key)


def vapi_door(base_url: str, path_key: str | None = None) -> str:
    """The model's URL at a public one, such as https://voice.example.com.

    Takes the door's own URL, too: people paste what stands in Vapi's dashboard, …/vapi or …/vapi/webhook.
    """
    base = DOOR.sub("", base_url.rstrip("/"))
    return f"{base}/vapi" + (f"/{quote(path_key, safe='')}" if path_key else "")


def actions_of(agent: Agent) -> tuple[Action, ...]:
    """What the tools that an agent lists do to a call, as far as Vapi has a tool for it."""
    return tuple(action for action in PLATFORM_TOOLS if action.value in agent.tools)


def vapi_assistant(
    agent: Agent,
    ways: WaysIn,
    *,
    actions: Sequence[Action] = (),
    voice: str = VOICE,
    greeting: str | None = None,
    rescue: str | None = None,
) -> dict[str, Any]:
    """The assistant of an agent. `actions` are what its tools do to a call.

    `voice` speaks where the agent's file names none; `greeting` stands in place of the agent's own;
    `rescue` is the number that a call goes to when its pipeline breaks.
    """
    assistant: dict[str, Any] = {
        "name": agent.name[:MAX_NAME_CHARS],
        "firstMessage": agent.greeting if greeting is None else greeting,
        "firstMessageMode": "assistant-speaks-first",
        "model": _model(agent, ways.model_url, actions),
        "voice": _voice(agent.vapi.voice or voice),
        "serverMessages": list(SERVER_MESSAGES),
        "startSpeakingPlan": {
            "waitSeconds": WAIT_S,
            "transcriptionEndpointingPlan": {
                "onPunctuationSeconds": ON_PUNCTUATION_S,
                "onNoPunctuationSeconds": ON_NO_PUNCTUATION_S,
                "onNumberSeconds": ON_NUMBER_S,
            },
        },
        "stopSpeakingPlan": {"numWords": 0, "voiceSeconds": VOICE_S, "backoffSeconds": BACKOFF_S},
        "backgroundSound": "off",
        # Both are paid for and hold the report back by up to 5 s each; the transcript is kept here anyway.
        "analysisPlan": {
            "summaryPlan": {"enabled": False},
            "successEvaluationPlan": {"enabled": False},
        },
        "hooks": _hooks(agent, rescue),
    }
    if transcriber := transcriber_for(agent.language):  # without one Vapi takes its own
        assistant["transcriber"] = transcriber
    if ways.server_url:
        assistant["server"] = {"url": ways.server_url, "timeoutSeconds": SERVER_TIMEOUT_S}
        if ways.secret:
            assistant["server"]["headers"] = {"X-Vapi-Secret": ways.secret}
    if key := ways.secret or ways.model_key:  # Vapi sends a server's headers to that server, to no model
        assistant["credentials"] = [{"provider": "custom-llm", "apiKey": key}]
    return assistant


def _model(agent: Agent, url: str, actions: Sequence[Action]) -> dict[str, Any]:
    return {
        "provider": "custom-llm",
        "url": url,
        "model": agent.name,
        "metadataSendMode": "variable",
        "timeoutSeconds": MODEL_TIMEOUT_S,
        "temperature": agent.temperature,
        "maxTokens": min(max(agent.max_tokens, MIN_TOKENS), MAX_TOKENS),
        "tools": [*(_tool(action) for action in actions if action in PLATFORM_TOOLS), *_handoff(agent)],
    }


def _tool(action: Action) -> dict[str, Any]:
    kind, description = PLATFORM_TOOLS[action]
    tool = {"type": kind, "function": {"name": action.value, "description": description}}
    if action is not Action.TRANSFER:
        return tool
    # Without destinations Vapi asks us for one; without messages it says a sentence of its own over ours.
    return tool | {"destinations": [], "messages": [{"type": "request-start", "content": ""}]}


def _handoff(agent: Agent) -> list[dict[str, Any]]:
    """The tool that hands a call to other assistants at Vapi; none where all go to agents of this house."""
    destinations = [
        {
            "type": "assistant",
            "assistantName" if one.kind == "assistant" else "assistantId": one.to,
            "description": one.purpose,
        }
        for one in agent.handoff
        if not one.is_ours and Action.HANDOFF.value in agent.tools
    ]
    function = {"name": Action.HANDOFF.value, "description": "Let another assistant go on with the call."}
    return [{"type": "handoff", "function": function, "destinations": destinations}] if destinations else []


def _voice(voice: str) -> dict[str, Any]:
    provider, _, voice_id = voice.partition("/")
    return {
        "provider": provider,
        "voiceId": voice_id,
        "chunkPlan": {
            "enabled": True,
            "minCharacters": CHUNK_CHARS,
            # What leaves here is in words already; Vapi's formatter takes the minutes from "14:00".
            "formatPlan": {"enabled": False},
        },
    }


def _hooks(agent: Agent, rescue: str | None) -> list[dict[str, Any]]:
    hooks: list[dict[str, Any]] = []
    if agent.language.startswith("en"):
        ask = {"type": "say", "exact": "Are you still there?"}
        options = {"timeoutSeconds": SILENCE_S, "triggerMaxCount": SILENCE_TIMES}
        hooks.append({"on": "customer.speech.timeout", "options": options, "do": [ask]})
    if rescue:
        to_whom = {"type": "number", "number": rescue}
        tool = {"type": "transferCall", "destinations": [to_whom]}
        broken = {"type": "oneOf", "key": "call.endedReason", "oneOf": ["pipeline-error"]}
        hooks.append({"on": "call.ending", "filters": [broken], "do": [{"type": "tool", "tool": tool}]})
    return hooks
