"""Simulated lines, opened as the settings guard the doors."""

from __future__ import annotations

from typing import Any, Literal

import httpx

from voice.agents.vapi_assistant import vapi_door
from voice.cli.screen import Failed
from voice.clock import Budget
from voice.settings import Settings, secret, secrets_in
from voice.simulate.caller import Line
from voice.simulate.chat import ChatLine
from voice.simulate.script import CALLER
from voice.simulate.twilio.line import ACCOUNT_SID, TwilioLine
from voice.simulate.vapi.line import CALM, Play, VapiLine
from voice.simulate.vapi.posts import OUR_NUMBER

LIMIT_S = 10.0  # for what a server tells of itself

HttpDoor = Literal["vapi", "gather", "chat"]
LineDoor = Literal["vapi", "gather", "relay", "chat"]

DOOR_TITLES: dict[LineDoor, str] = {
    "vapi": "Vapi custom LLM",
    "gather": "Twilio Gather",
    "relay": "Twilio ConversationRelay",
    "chat": "plain chat",
}


def open_line(
    door: LineDoor,
    url: str,
    settings: Settings,
    *,
    agent: str | None = None,
    caller: str = CALLER,
    budget: Budget | None = None,
    http: httpx.AsyncClient | None = None,
    play: Play = CALM,
    number: str = OUR_NUMBER,
) -> Line:
    """A line through one door of the server at `url`, with the secrets that the settings hold.

    `budget` is what its turns are held to: the agent's. `play` is how much of Vapi is played, `number` the
    one that is dialled there.
    """
    budget = budget or Budget()
    first_s = budget.first_chunk_s
    if door in {"gather", "relay"}:
        return TwilioLine(
            url,
            door="relay" if door == "relay" else "gather",
            auth_token=next(iter(secrets_in(settings.twilio_auth_token)), None),
            shared_key=_shared_key(settings),
            account_sid=settings.twilio_account_sid or ACCOUNT_SID,
            caller=caller,
            agent=agent,
            public_url=settings.public_url,
            budget_s=first_s if door == "relay" else budget.gather_hop_s,
            http=http,
        )
    if door == "chat":
        key = secret(settings.api_key)
        return ChatLine(url, key=key, caller=caller, agent=agent, budget_s=first_s, http=http)
    ends = {"caller": caller, "number": number}
    return vapi_line(url, settings, agent=agent, budget_s=first_s, http=http, play=play, **ends)


def _shared_key(settings: Settings) -> tuple[str, str] | None:
    key, _, shared = next(iter(secrets_in(settings.twilio_shared_keys)), "").partition(":")
    return (key, shared) if key and shared else None


def behind(door: LineDoor, settings: Settings, url: str) -> Settings:
    """The settings of a server at `url` that takes calls through this door, whatever else they say.

    Twilio opens sockets to wss:// only; the line that plays it knows that the server is on this machine.
    """
    if door in {"gather", "relay"} and not settings.twilio_auth_token and not settings.twilio_shared_keys:
        settings = settings.model_copy(update={"telnyx_public_key": None})  # Telnyx's key signs nothing here
    if door == "gather":
        return settings.model_copy(update={"twilio_mode": "gather"})
    if door == "relay":
        public_url = settings.public_url or url.replace("http://", "https://")
        return settings.model_copy(update={"twilio_mode": "relay", "public_url": public_url})
    return settings


async def check_agent(url: str, settings: Settings, agent: str) -> None:
    """Raise Failed where the server at `url` tells that it has no such agent: another one would answer."""
    key = secret(settings.api_key)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False, headers=headers) as http:
            answer = await http.get(f"{url}/v1/models")
        told = answer.json()["data"] if answer.status_code == 200 else None
        known = None if told is None else [str(one["id"]) for one in told]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return  # the call itself tells what is wrong with the server
    if known is not None and agent not in known:
        raise Failed(f"the server at {url} has no agent {agent!r}; it has {', '.join(known)}")


def vapi_line(url: str, settings: Settings, **options: Any) -> VapiLine:
    """A line through Vapi's doors of the server at `url`; `options` are those of VapiLine."""
    shown, in_path = (
        next(iter(secrets_in(one)), None) for one in (settings.vapi_secret, settings.vapi_path_key)
    )
    return VapiLine(vapi_door(url, None if shown else in_path), secret=shown, **options)
