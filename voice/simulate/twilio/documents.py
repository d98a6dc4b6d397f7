"""The TwiML documents of one leg, fetched one after the other, each with the fields that Twilio tells.

Where one cannot be fetched or read, Twilio asks the number's fallback URL, if it has one; else the call ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin

from voice.errors import BadRequest
from voice.simulate.twilio.hearing import Hearing
from voice.simulate.twilio.http import Document, Fields, Webhooks
from voice.simulate.twiml import Verb

MAX_DOCUMENTS = 40  # of one turn; a loop without a Gather would go on for ever

_CODE = re.compile(r"\d{5}")  # Twilio's error number in a sentence
HTTP_FAILURE = "11200"


@dataclass(frozen=True, slots=True)
class TwilioPlay:
    """How a number is set up, and what Twilio makes of words. As it stands: nothing but a voice URL.

    `method` is how the first document is asked for, `fallback` the path that is asked when a document
    fails; without one the call ends. `overrides` are connection overrides, such as "rt=2000&rp=rt", of every
    URL that has none of its own. `retell` is how Twilio spells the words that were interrupted.
    """

    method: Literal["POST", "GET"] = "POST"
    fallback: str | None = None
    overrides: str = ""
    retell: Callable[[str], str] = str


class Documents:
    """`url` is that of the document that runs now; `who` are the fields of every request but CallStatus."""

    def __init__(
        self,
        webhooks: Webhooks,
        who: Mapping[str, str],
        hearing: Hearing,
        play: TwilioPlay,
        told: Callable[[str], None],
    ) -> None:
        self.url = ""
        self._webhooks, self._who, self._hearing = webhooks, who, hearing
        self._play, self._told = play, told

    def fields(self, status: str = "in-progress") -> Fields:
        """What every request of this leg carries."""
        return [*self._who.items(), ("CallStatus", status)]

    async def fetch(
        self, url: str, result: Fields, method: str = "POST", status: str = "in-progress"
    ) -> list[Verb]:
        """The verbs at a URL, which may be relative. Raises BadRequest where Twilio ends the call."""
        self._hearing.hops += 1
        if self._hearing.hops > MAX_DOCUMENTS:
            raise BadRequest(f"{MAX_DOCUMENTS} documents in one turn, and still no <Gather>")
        url = urljoin(self.url, url)
        if self._play.overrides and "#" not in url:
            url += f"#{self._play.overrides}"
        try:
            document = await self._webhooks.document(url, [*self.fields(status), *result], method)
        except BadRequest as exc:
            document = await self._fall_back(url, status, exc)
        self.url = document.url
        return document.verbs

    async def _fall_back(self, url: str, status: str, exc: BadRequest) -> Document:
        if self._play.fallback is None:
            raise exc
        self._told(f"{exc}; the fallback URL is asked")
        code = _CODE.search(str(exc))
        failed = (("ErrorCode", code.group() if code else HTTP_FAILURE), ("ErrorUrl", url))
        fallback = self._webhooks.public + self._play.fallback
        return await self._webhooks.document(fallback, [*self.fields(status), *failed])
