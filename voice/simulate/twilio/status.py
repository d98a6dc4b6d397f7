"""What Twilio tells when a call is over: its status callbacks, in any order, and finished recordings.

Source: Twilio's pages on status callbacks ("Client", "Call resource") and `<Recording>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal
from urllib.parse import urljoin
from uuid import uuid4

from voice.simulate.twilio.http import Webhooks
from voice.simulate.twiml import Link

STATUS = "/twilio/status"

Status = Literal["initiated", "ringing", "answered", "completed"]
EVENTS: tuple[Status, ...] = ("initiated", "ringing", "answered", "completed")  # each numbered by its place


async def tell_end(
    webhooks: Webhooks,
    who: Mapping[str, str],
    statuses: Sequence[Status],
    recordings: Sequence[Link],
    lasted_s: float,
) -> None:
    """Post each callback. Raises BadRequest when one is not taken."""
    for status in statuses:
        told = {
            "CallStatus": "in-progress" if status == "answered" else status,
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(EVENTS.index(status)),
            "Timestamp": format_datetime(datetime.now(UTC)),
        }
        if status == "completed":
            told["CallDuration"] = str(round(lasted_s))
        await webhooks.tell(webhooks.public + STATUS, [*who.items(), *told.items()])
    for link in recordings:
        sid = f"RE{uuid4().hex}"
        recorded = {
            "AccountSid": who["AccountSid"],
            "CallSid": who["CallSid"],
            "RecordingSid": sid,
            "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{who['AccountSid']}/Recordings/{sid}",
            "RecordingStatus": "completed",
            "RecordingDuration": str(round(lasted_s)),
            "RecordingChannels": "2",
            "RecordingSource": "StartCallRecordingTwiML",
        }
        url = urljoin(webhooks.public + STATUS, link.url)
        await webhooks.tell(url, list(recorded.items()), link.method)
