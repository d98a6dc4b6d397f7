"""Why a server does not believe a signature: what it tells operators of itself, and which URL would do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx

from handlers.twilio.signature import FOREIGN
from voice.cli.checks import Check
from voice.cli.twilio.patient import Patient, address_of, spellings
from voice.settings import Settings, secret

SHOWN = 3  # requests of Twilio's that were refused lately
PATH = "/twilio/status"


@dataclass(frozen=True, slots=True)
class Operator:
    """The server as its operators see it; it tells nothing to anybody else."""

    patient: Patient
    token: str | None

    @classmethod
    def of(cls, patient: Patient, settings: Settings) -> Operator:
        return cls(patient, secret(settings.admin_token))

    async def asks(self, path: str) -> dict[str, Any]:
        """What stands there; nothing where we are not let in."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            answer = await self.patient.http.get(f"{self.patient.base}{path}", headers=headers)
            told = answer.json() if answer.status_code == 200 else {}
        except (httpx.HTTPError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    async def lately(self) -> list[Check]:
        """What of Twilio's own was refused lately."""
        told = (await self.asks("/admin/twilio/refused")).get("mismatches")
        return [
            Check(f"refused {one.get('kind')}", "warn", str(one.get("says")), str(one.get("to_do") or ""))
            for one in (told if isinstance(told, list) else [])[:SHOWN]
            if isinstance(one, dict)
        ]

    async def public_url(self) -> str | None:
        """The URL that the server goes by."""
        told = (await self.asks("/admin/twilio/refused")).get("public_url")
        return told if isinstance(told, str) else None

    async def last_reason(self) -> str:
        """Why Twilio's door has refused the last request that it refused; "" where nobody tells."""
        told = (await self.asks("/admin/refused")).get("refused")
        ours = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        return next((str(one.get("reason")) for one in ours if one.get("door") == "twilio"), "")


async def explained(patient: Patient, settings: Settings) -> Check:
    """Why a signed request is refused: sign every URL that the server may have in mind."""
    if patient.key.secret is None:
        return _unsigned(settings)
    operator = Operator.of(patient, settings)
    if await operator.last_reason() == FOREIGN:
        return _foreign(patient, settings)
    theirs, signed = await operator.public_url(), patient.at(PATH)
    tried = list(spellings(patient, PATH, settings.public_url, theirs))
    for address in tried:
        answer = await patient.post(PATH, address, CallStatus="ringing")
        if answer.status_code not in (401, 403):
            says = f"refused: signed {signed}, the server looks for {address}"
            return Check("webhook", "broken", says, _to_set(patient, theirs))
    if theirs is not None:
        await patient.post(PATH, replace(own := address_of(theirs), target=own.target + PATH))
        if await operator.last_reason() == FOREIGN:  # the token is right, and two other things are not
            url, account = f"the server goes by {theirs}, not {patient.public}", _foreign(patient, settings)
            return replace(
                account, says=f"{account.says}; besides, {url}", to_do=f"{account.to_do}; then again"
            )
    says = f"refused: signed {signed}, and none of {len(tried)} other spellings is believed"
    if theirs is not None:
        to_do = "compare TWILIO_AUTH_TOKEN here and there; a subaccount has its own"
    else:
        to_do = (
            "compare TWILIO_AUTH_TOKEN, TWILIO_ACCOUNT_SID and OFFHOOK_PUBLIC_URL here and there; "
            "with the server's OFFHOOK_ADMIN_TOKEN set here, it tells which of them"
        )
    return Check("webhook", "broken", says, to_do)


def _unsigned(settings: Settings) -> Check:
    if settings.telnyx_public_key:
        says = "refused, as it must be: this server knows Telnyx's key alone, and only Telnyx can sign"
        return Check("webhook", "warn", says, "ring the number: this doctor plays Twilio, not Telnyx")
    says = "refused: it wants signatures, and no token is set here"
    return Check("webhook", "broken", says, "set TWILIO_AUTH_TOKEN to the server's own")


def _foreign(patient: Patient, settings: Settings) -> Check:
    if settings.twilio_account_sid is None:
        says = "refused: its signature is right, but the server takes one account alone, and none is set here"
        return Check("webhook", "broken", says, "set TWILIO_ACCOUNT_SID to the server's own")
    says = f"refused: its signature is right, but {patient.account} is not the server's account"
    return Check("webhook", "broken", says, "compare TWILIO_ACCOUNT_SID here and there")


def _to_set(patient: Patient, theirs: str | None) -> str:
    """What to set where, once it is known which URL the server has in mind."""
    there = f"if Twilio asks the first, set OFFHOOK_PUBLIC_URL={patient.public} at the server"
    if theirs is None or urlsplit(theirs).hostname == urlsplit(f"//{patient.public.host}").hostname:
        return there
    return f"{there}; the server goes by {address_of(theirs)}: if Twilio asks that, set it here"
