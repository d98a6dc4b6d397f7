"""A `<Gather>` that listens to a simulated caller: speech with its partial results, keys, or nothing.

Source: Twilio's "Gather" page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urljoin

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.twilio.http import Fields, Webhooks
from voice.simulate.twilio.speech import growing, part_s
from voice.simulate.twiml import Gather


class Gathering:
    """One `<Gather>` of the document at `url`. `who` holds the fields of its webhooks."""

    def __init__(
        self,
        verb: Gather,
        url: str,
        webhooks: Webhooks,
        who: Fields,
        aloud: Aloud,
        told: Callable[[str], None],
    ) -> None:
        self._verb, self._url, self._webhooks, self._who = verb, url, webhooks, who
        self._aloud, self._told = aloud, told
        self._result: asyncio.Future[Fields] = asyncio.get_running_loop().create_future()

    async def result(self) -> Fields:
        """What it heard, as the action URL is told; nothing for silence."""
        return await self._result

    async def speak(self, words: str) -> float:
        """The caller says it; the instant at which they had finished."""
        if "speech" not in self._verb.inputs:
            self._told("the <Gather> does not listen to speech")
            return self._end(())
        await self._tell_partials(words)
        return self._end((("SpeechResult", words), ("Confidence", "0.9234"), ("Language", "en-US")))

    async def press(self, keys: str) -> float:
        """The caller presses keys; the instant of the last one."""
        if "dtmf" not in self._verb.inputs:
            self._told("the <Gather> does not listen to keys")
            return self._end(())
        finish = self._verb.finish_key
        digits, end, _ = keys.partition(finish) if finish else (keys, "", "")
        if not end and (self._verb.digits is None or len(digits) < self._verb.digits):
            await self._pass(self._verb.timeout_s)  # it waits for another key
        return self._end((("Digits", digits[: self._verb.digits]), ("FinishedOnKey", end)))

    async def keep_silent(self) -> float:
        """The caller says nothing; the instant from which they wait for words."""
        at = now()
        await self._pass(self._verb.timeout_s)
        self._end(())
        return at

    def may_interrupt(self) -> bool:
        """What a `<Gather>` says may always be spoken over."""
        return True

    def interrupt(self) -> str:
        """The caller speaks over what it says; what they had heard."""
        return self._aloud.stop()

    def _end(self, fields: Fields) -> float:
        if not self._result.done():
            self._result.set_result(fields)
        return now()

    async def _pass(self, seconds: float) -> None:
        if self._aloud.chars_per_s:
            await asyncio.sleep(seconds)

    async def _tell_partials(self, words: str) -> None:
        """What Twilio tells while the caller speaks. The answer is not read, nor is one missed."""
        partial = self._verb.partial
        if partial is None:
            return
        for number, part in enumerate(growing(words)):
            await asyncio.sleep(part_s(words, self._aloud))
            told = [
                ("UnstableSpeechResult", part),
                ("StableSpeechResult", ""),
                ("SequenceNumber", str(number)),
            ]
            with suppress(BadRequest):
                await self._webhooks.tell(
                    urljoin(self._url, partial.url), [*self._who, *told], partial.method
                )
