"""Begins calls at Twilio, and never the same one twice.

Twilio's API has no key by which it would know an order again, so we keep our own record: an order
is claimed in the store before Twilio is asked, and whoever comes later with its key gets what became
of it. Where Twilio did not answer, nobody dials again: the call is looked for, in what Twilio's
callbacks have told (their URLs carry the order's reference) and in its list of calls. Only an order
that certainly came to nothing may be tried once more.

Records last a day, as claims do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from handlers.once import Once, once_key
from handlers.twilio.rest import Form, TwilioRest
from handlers.twilio.twiml import OVERRIDES
from handlers.wire.outbound import MOST_CALL_S, CallOrder
from voice.agents.agent import Agent
from voice.clock import now
from voice.errors import BadRequest, OrderRefused, OrderUnknown, StoreError
from voice.store.base import Store
from voice.types import Json

log = logging.getLogger(__name__)

TRIES = 5  # of one key, where each one before certainly came to nothing
PATIENCE_S = 5.0  # for another process that has the order in its hands
LOOKS, LOOK_S = 4, 1.0  # for a call of which nobody knows whether Twilio has begun it
EARLIER = timedelta(seconds=30)  # Twilio's clock may be behind ours
GOODBYE_S = 60  # beyond the limit at which the agent says goodbye; Twilio's cuts it off
EVENTS = ("initiated", "ringing", "answered", "completed")

Record = dict[str, Json]


class Placing:
    """Orders for calls, each placed once."""

    def __init__(self, store: Store, once: Once, rest: TwilioRest) -> None:
        self._store, self._once, self._rest = store, once, rest

    async def place(self, order: CallOrder, agent: Agent, form: Form) -> tuple[Record, bool]:
        """The record of an order whose call Twilio has begun, and whether it had been begun before.

        Raises OrderRefused and OrderUnknown; BadRequest when the key belongs to another order; StoreError
        when nothing can be claimed: then nobody is called.
        """
        dialled = False

        async def begin() -> Json:
            nonlocal dialled
            record, dialled = await self._begin(order, agent, form)
            return record

        record = await self._once.here(once_key("outbound", order.idempotency_key), begin)
        assert isinstance(record, dict)
        return _same(record, order), not dialled

    async def known(self, ref: str | None) -> Record | None:
        """The record of the order with this reference; None where there is none, or the store is away."""
        try:
            found = await self._store.answer(ref) if ref else None
        except StoreError as exc:
            log.warning("outbound.not_asked", extra={"error": type(exc).__name__, "to_do": exc.to_do})
            return None
        return found if isinstance(found, dict) and "order" in found else None

    async def learn(self, ref: str | None, call_id: str) -> None:
        """One of Twilio's callbacks tells which call an order has become."""
        record = await self.known(ref)
        if ref and record is not None and record.get("call_id") is None:
            self._keep(ref, record, state="placed", call_id=call_id)

    async def _begin(self, order: CallOrder, agent: Agent, form: Form) -> tuple[Record, bool]:
        for attempt in range(1, TRIES + 1):
            ref = once_key("outbound", order.idempotency_key, str(attempt))
            if await self._store.claim(ref):
                return await self._dial(ref, order, agent, form), True
            record = _same(await self._told(ref), order)
            if record["state"] != "refused":
                return record if record.get("call_id") else await self._look_up(ref, record), False
        raise OrderRefused(f"this order was refused {TRIES} times; use another idempotency_key")

    async def _dial(self, ref: str, order: CallOrder, agent: Agent, form: Form) -> Record:
        record: Record = {
            "order": order.digest,
            "agent": agent.name,
            "to": order.to,
            "from": dict(form).get("From"),
            "voicemail": order.voicemail,
            "asked_on": datetime.now(UTC).isoformat(),
        }
        self._keep(ref, record, state="asked")
        try:
            await self._store.committed()
            begun = await self._rest.begin(marked(form, ref))
        except (OrderRefused, StoreError):
            self._keep(ref, record, state="refused")
            raise
        except OrderUnknown as exc:
            log.error("outbound.unknown", extra={"error": type(exc).__name__, "to_do": exc.to_do})
            if not (
                (told := await self.known(ref)) and told.get("call_id")
            ):  # a callback may have been quicker
                self._keep(ref, record, state="unknown")
            return await self._look_up(ref, record)
        return self._keep(ref, record, state="placed", call_id=str(begun.get("sid")))

    async def _told(self, ref: str) -> Record:
        """The record of an order that somebody else has claimed. Raises OrderUnknown when it stays away."""
        ends_at = now() + PATIENCE_S
        while True:
            found = await self._store.answer(ref)
            record = found if isinstance(found, dict) else {}
            if record.get("state") in ("placed", "refused", "unknown"):
                return record
            if now() >= ends_at:
                break
            await asyncio.sleep(LOOK_S)
        if record:
            return record
        raise OrderUnknown("the order was taken, and whoever took it has not told what became of it")

    async def _look_up(self, ref: str, record: Record) -> Record:
        """Find the call that an order may have become. Raises OrderUnknown when there is no trace of it."""
        for look in range(LOOKS):
            if look:
                await asyncio.sleep(LOOK_S)
            if (told := await self.known(ref)) and told.get("call_id"):
                return told
            if call_id := await self._listed(ref, record):
                return self._keep(ref, record, state="placed", call_id=call_id)
        raise OrderUnknown(
            "Twilio did not answer, and no such call is found; it was not dialled again. "
            "The same idempotency_key looks once more; look at Twilio's list of calls before you use another"
        )

    async def _listed(self, ref: str, record: Record) -> str | None:
        """A call in Twilio's list that can only be this order's."""
        try:
            listed = await self._rest.calls(str(record["to"]), str(record["from"]))
        except (OrderRefused, OrderUnknown):
            return None
        since = datetime.fromisoformat(str(record["asked_on"])) - EARLIER
        mine = [one for one in listed if one.get("direction") == "outbound-api" and _begun(one) >= since]
        for one in reversed(mine):  # the oldest first
            call_id = str(one.get("sid"))
            if await self._store.answer(once_key("outbound call", call_id)) in (None, {"ref": ref}):
                return call_id
        return None

    def _keep(self, ref: str, record: Record, *, state: str, call_id: str | None = None) -> Record:
        kept = {**record, "state": state, "call_id": call_id, "ref": ref}
        self._store.keep_answer(ref, kept)
        if call_id is not None:  # so that nobody else's order takes it for its own
            self._store.keep_answer(once_key("outbound call", call_id), {"ref": ref})
        return kept


def marked(form: Form, ref: str) -> Form:
    """The form with the order's reference in our URLs, so that what Twilio tells can be told apart."""
    urls = ("Url", "FallbackUrl", "StatusCallback", "AsyncAmdStatusCallback")
    return [(name, f"{value}&out={ref}{OVERRIDES}" if name in urls else value) for name, value in form]


def wanted(order: CallOrder, agent: Agent, *, base: str, from_: str) -> Form:
    """What Twilio is asked for: the call, our doors for it, and who picks up."""
    leaves = order.voicemail or agent.voicemail
    named = {"agent": agent.name}
    voice = named | ({} if order.record is None else {"record": str(int(order.record))})
    voice |= {} if order.max_call_s is None else {"limit": str(order.max_call_s)}
    longest_s = min(agent.max_call_s, order.max_call_s or agent.max_call_s)
    url = f"{base}/twilio/voice?{urlencode(voice)}"
    return [
        ("To", order.to),
        ("From", from_),
        ("Url", url),
        ("FallbackUrl", url),  # its greeting knows a caller who comes again
        ("StatusCallback", f"{base}/twilio/status?{urlencode(named)}"),
        *(("StatusCallbackEvent", event) for event in EVENTS),
        ("TimeLimit", str(min(MOST_CALL_S, round(longest_s + GOODBYE_S)))),
        # To speak after the beep, Twilio must hear the machine out; to hang up, its first words are enough.
        ("MachineDetection", "DetectMessageEnd" if leaves else "Enable"),
        ("AsyncAmd", "true"),  # or the person would hear nothing until Twilio has made up its mind
        ("AsyncAmdStatusCallback", f"{base}/twilio/amd?{urlencode(named)}"),
    ]


def _same(record: Mapping[str, Any], order: CallOrder) -> Record:
    if record.get("order") != order.digest:
        raise BadRequest("This idempotency_key belongs to another order.")
    return dict(record)


def _begun(call: Mapping[str, Any]) -> datetime:
    try:
        begun = parsedate_to_datetime(str(call.get("date_created")))
    except ValueError:
        return datetime.now(UTC)  # unknown: better taken for ours than dialled again
    return begun if begun.tzinfo else begun.replace(tzinfo=UTC)
