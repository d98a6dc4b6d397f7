"""Where do the account's numbers lead? Twilio's REST API tells; nothing is changed there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Any

from handlers.twilio.rest import TwilioRest
from voice.cli.checks import Check
from voice.errors import NotReached, OrderRefused, OrderUnknown
from voice.settings import Settings

MOST = 10  # numbers of one account that are shown


async def number_checks(settings: Settings) -> list[Check]:
    """What is set for our number at Twilio, or for all of them; nothing without account and token."""
    async with aclosing(TwilioRest(settings)) as rest:
        if not rest.is_ready:
            return []
        try:
            numbers = await rest.numbers(settings.twilio_phone_number)
        except NotReached as exc:
            return [Check("account", "warn", str(exc), "the numbers' URLs could not be compared")]
        except (OrderRefused, OrderUnknown) as exc:
            return [Check("account", "broken", str(exc), "see TWILIO_ACCOUNT_SID and TWILIO_BASE_URL")]
    if not numbers:
        named = settings.twilio_phone_number or "a number"
        return [Check("account", "warn", f"it has no such number: {named}", "buy one, or correct the number")]
    return [one for number in numbers[:MOST] for one in _of(number, settings)]


def _of(number: Mapping[str, Any], settings: Settings) -> Iterator[Check]:
    what, public = f"number {number.get('phone_number')}", settings.public_url
    if public is None:
        yield Check(what, "warn", "OFFHOOK_PUBLIC_URL is not set: its URLs cannot be compared")
        return
    if instead := number.get("trunk_sid") or number.get("voice_application_sid"):
        says = f"calls go to {instead}, whatever URL is set"
        yield Check(what, "warn", says, "take the trunk or the application from the number")
    wanted, url = f"{public}/twilio/voice", str(number.get("voice_url") or "")
    if url.partition("?")[0].partition("#")[0].rstrip("/") == wanted:
        yield Check(what, "ok", f"a call comes in at {url}")
    else:
        yield Check(what, "broken", f"a call comes in at {url or 'no URL'}", f"set {wanted} there")
    if not str(number.get("status_callback") or "").startswith(f"{public}/twilio/status"):
        says = "no status callback: a call that is hung up ends here only when it has been quiet"
        yield Check(what, "warn", says, f"set {public}/twilio/status as its status callback")
    if not number.get("voice_fallback_url"):
        says = "no URL where the primary handler fails: then callers hear an error of Twilio's, and are gone"
        yield Check(what, "warn", says, f"set {wanted} there, too, or a second server's")
