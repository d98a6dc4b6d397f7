"""Simulated lines, opened as the settings guard the doors."""

from __future__ import annotations

from typing import Any, Literal

import httpx

from voice.clock import Budget
from voice.settings import Settings, secret, secrets_in
from voice.simulate.caller import CALLER, Line
from voice.simulate.chat import ChatLine
from voice.simulate.twilio import ACCOUNT_SID, TwilioLine
from voice.simulate.vapi import CALM, Play, VapiLine

LineDoor = Literal["vapi", "gather", "chat"]

DOOR_TITLES: dict[LineDoor, str] = {
    "vapi": "Vapi custom LLM",
    "gather": "Twilio Gather",
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
) -> Line:
    """A line through one door of the server at `url`, with the secrets that the settings hold.

    `budget` is what its turns are held to: the agent's. `play` is how much of Vapi is played.
    """
    budget = budget or Budget()
    if door == "gather":
        return TwilioLine(
            url,
            auth_token=secret(settings.twilio_auth_token),
            account_sid=settings.twilio_account_sid or ACCOUNT_SID,
            caller=caller,
            agent=agent,
            public_url=settings.public_url,
            budget_s=budget.gather_hop_s,
            http=http,
        )
    first_s = budget.first_chunk_s
    if door == "chat":
        key = secret(settings.api_key)
        return ChatLine(url, key=key, caller=caller, agent=agent, budget_s=first_s, http=http)
    return vapi_line(url, settings, agent=agent, caller=caller, budget_s=first_s, http=http, play=play)


def vapi_line(url: str, settings: Settings, **options: Any) -> VapiLine:
    """A line through Vapi's doors of the server at `url`; `options` are those of VapiLine."""
    shown = next(iter(secrets_in(settings.vapi_secret)), None)
    return VapiLine(f"{url}/vapi", secret=shown, **options)
