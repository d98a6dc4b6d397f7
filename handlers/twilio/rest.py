"""Twilio's REST API, as far as calls need it: begin one, change one, find one, read a number.

A thin client on purpose: Twilio's own library takes 20 MB and retries what must not be done twice. What
begins a call is tried again at 429 only, because there Twilio says that it has done nothing. Whoever asks
learns whether an order was refused, or whether nobody knows.

Source: Twilio's OpenAPI description `twilio_api_v2010`, resources Call and IncomingPhoneNumber.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voice.errors import NotReached, OrderRefused, OrderUnknown, SetupError
from voice.settings import Settings, secrets_in

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

LIMIT_S = 15.0  # for one request
TRIES = 4  # at 429; Twilio begins one call a second by default
RATE_WAIT_S = 1.0  # where it does not say how long to wait
MAX_RATE_WAIT_S = 5.0
MOST = 20  # calls in one list
MAX_SHOWN_CHARS = 300  # of what Twilio says to a refusal
LACKING = "calls of our own need TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"

Form = Sequence[tuple[str, str]]
Found = Mapping[str, Any]


class TwilioRest:
    """Twilio's API with the account of the settings. Raises OrderRefused, OrderUnknown and SetupError.

    A client that is handed in is not closed.
    """

    def __init__(self, settings: Settings, http: httpx.AsyncClient | None = None) -> None:
        self._sid, self._tokens = settings.twilio_account_sid, secrets_in(settings.twilio_auth_token)
        self._root = f"{settings.twilio_base_url}/2010-04-01/Accounts/{self._sid}"
        self._http, self._owns_http = http, http is None

    @property
    def is_ready(self) -> bool:
        """Whether the settings name an account and its token."""
        return self._sid is not None and bool(self._tokens)

    async def aclose(self) -> None:
        if self._http is not None and self._owns_http:
            await self._http.aclose()

    async def begin(self, form: Form) -> Found:
        """Begin a call; its resource as Twilio has made it."""
        return await self._ask("POST", "/Calls.json", form)

    async def change(self, call_id: str, form: Form) -> Found:
        """Change a call that is live: give it another document, or end it (`Status=completed`).

        Tried again where Twilio's API has failed: that does to the call no more than the first time.
        """
        return await self._ask("POST", f"/Calls/{call_id}.json", form, can_be_repeated=True)

    async def calls(self, to: str, from_: str) -> list[Found]:
        """The newest calls between two numbers."""
        listed = await self._ask("GET", "/Calls.json", [("To", to), ("From", from_), ("PageSize", str(MOST))])
        return _tables(listed.get("calls"))

    async def numbers(self, number: str | None) -> list[Found]:
        """The account's numbers, or this one, with the URLs that are set for each."""
        wanted = [("PhoneNumber", number)] if number else []
        listed = await self._ask("GET", "/IncomingPhoneNumbers.json", wanted)
        return _tables(listed.get("incoming_phone_numbers"))

    async def _ask(self, method: str, path: str, form: Form, *, can_be_repeated: bool = False) -> Found:
        for _ in range(TRIES - 1):
            answer = await self._send(method, path, form)
            has_failed = can_be_repeated and answer.status_code >= 500
            if answer.status_code != 429 and not has_failed:
                return _read(answer)
            await asyncio.sleep(_rest_s(answer))
        return _read(await self._send(method, path, form))

    async def _send(self, method: str, path: str, form: Form) -> httpx.Response:
        import httpx  # late: the web app is imported without it, and most servers begin no call

        if self._sid is None or not self._tokens:
            raise SetupError(LACKING)
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=LIMIT_S, trust_env=False)
        fields: dict[str, list[str]] = {}
        for name, value in form:
            fields.setdefault(name, []).append(value)
        where: dict[str, Any] = {"data": fields} if method == "POST" else {"params": fields}
        try:
            async with asyncio.timeout(LIMIT_S):
                return await self._http.request(
                    method, f"{self._root}{path}", auth=(self._sid, self._tokens[0]), **where
                )
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            host = urlsplit(self._root).netloc
            raise NotReached(f"Twilio's API was not reached at {host} ({type(exc).__name__})") from exc
        except (httpx.HTTPError, TimeoutError) as exc:
            raise OrderUnknown(f"Twilio's API did not answer ({type(exc).__name__})") from exc


def _read(answer: httpx.Response) -> Found:
    """What Twilio has done. Anything but its own yes or no leaves the outcome open."""
    try:
        found = answer.json()
    except ValueError:
        found = None
    if answer.is_success and isinstance(found, dict):
        return found
    if not 400 <= answer.status_code < 500:
        raise OrderUnknown(f"Twilio's API answered {answer.status_code}")
    if answer.status_code in (401, 403):
        raise OrderRefused(
            f"Twilio's API answered {answer.status_code}: compare TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
        )
    told = found if isinstance(found, dict) else {}
    why = " ".join(str(told.get("message") or "no reason given").split())[:MAX_SHOWN_CHARS]
    code = f", error {told['code']}" if told.get("code") else ""
    raise OrderRefused(f"Twilio's API answered {answer.status_code}{code}: {why}")


def _rest_s(answer: httpx.Response) -> float:
    told = answer.headers.get("retry-after", "")
    wait_s = float(told[:6]) if told.isascii() and told.isdigit() else RATE_WAIT_S
    log.warning(
        "twilio.tried_again",
        extra={"status": answer.status_code, "wait_s": min(wait_s, MAX_RATE_WAIT_S)},
    )
    return min(wait_s, MAX_RATE_WAIT_S)


def _tables(found: object) -> list[Found]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
