"""What Twilio tells of a call besides its turns: who picked up, what became of a recording.

Source: Twilio's "Answering Machine Detection" and "Recording" pages. Examples: tests/wire/twilio/
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from handlers.wire.twilio import Text, VoiceWebhook
from voice.types import Json

Picked = Literal["person", "machine", "fax"]


class MachineDetected(VoiceWebhook):
    """Who has picked up a call of ours, as far as Twilio can hear. Example: tests/wire/twilio/amd.json"""

    answered_by: Text = Field(None, alias="AnsweredBy")
    duration_ms: Text = Field(None, alias="MachineDetectionDuration")

    @property
    def who(self) -> Picked:
        """What Twilio does not know is a person: a person must never be taken for a machine."""
        told = (self.answered_by or "").casefold()
        if told == "fax":
            return "fax"
        return "machine" if told.startswith("machine_") else "person"

    @property
    def may_speak(self) -> bool:
        """Whether the machine's greeting is over, so that what is said now is recorded."""
        return (self.answered_by or "").casefold().startswith("machine_end_")


class RecordingTold(VoiceWebhook):
    """What has become of a recording. Example: tests/wire/twilio/recording.json"""

    sid: Text = Field(None, alias="RecordingSid")
    url: Text = Field(None, alias="RecordingUrl")
    status: Text = Field(None, alias="RecordingStatus")  # in-progress, completed, absent
    duration_s: Text = Field(None, alias="RecordingDuration")
    channels: Text = Field(None, alias="RecordingChannels")
    start_time: Text = Field(None, alias="RecordingStartTime")
    source: Text = Field(None, alias="RecordingSource")

    def payload(self) -> dict[str, Json]:
        """What is kept of it. Its URL needs the account's token to be opened."""
        told: dict[str, Json] = {
            "recording": self.sid,
            "url": self.url,
            "status": self.status,
            "duration_s": self.duration_s,
            "channels": self.channels,
            "start_time": self.start_time,
            "source": self.source,
        }
        return {name: value for name, value in told.items() if value is not None}
