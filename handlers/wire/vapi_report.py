"""Vapi's end-of-call report of any age, as one record.

In 2024 everything stood in the message itself and `artifact` was empty; today most of it is there.
Durations were seconds and are milliseconds now. Costs are an open set of lines. What is not there is
None, and nothing here raises: half a report is better than none.

Source: ServerMessageEndOfCallReport of vapi_server_sdk 1.9, captures of 2024, live reports of 2026-08.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.wire.vapi_ended import in_words
from voice.types import Json, Turn

MAX_LINES = 2_000  # of a transcript: a call of several hours
MS_ABOVE = 120.0  # a message of more seconds than this is told in milliseconds
SPEAKERS = {"bot": "agent", "assistant": "agent", "user": "caller", "customer": "caller"}
LATENCIES = {
    "modelLatency": "model_ms",
    "voiceLatency": "voice_ms",
    "transcriberLatency": "transcriber_ms",
    "endpointingLatency": "endpointing_ms",
    "turnLatency": "turn_ms",
    "fromTransportLatency": "from_transport_ms",
    "toTransportLatency": "to_transport_ms",
}


def report_of(body: Mapping[str, Any], ours: Json = None) -> dict[str, Json]:
    """The record. `ours` are our own times, which stand beside Vapi's."""
    artifact, analysis = _table(body.get("artifact")), _table(body.get("analysis"))
    call = _table(body.get("call"))
    reason = _text(body.get("endedReason")) or _text(call.get("endedReason"))
    began, ended = (_text(body.get(key)) or _text(call.get(key)) for key in ("startedAt", "endedAt"))
    return {
        "ended_reason": reason,
        "ended_in_words": in_words(reason) if reason else None,
        "began": began,
        "ended": ended,
        "duration_s": _duration_s(body),
        "cost_usd": _number(body.get("cost")),
        "costs": _costs(body),
        "summary": _text(analysis.get("summary")) or _text(body.get("summary")),
        "success": _plain(analysis.get("successEvaluation")),
        "facts": _facts(analysis, artifact),
        "recording_url": _recording(artifact, body),
        "transcript": _text(artifact.get("transcript")) or _text(body.get("transcript")),
        "lines": _lines(artifact, body),
        "latency": {"theirs": _latency(artifact), "ours": ours},
    }


def _facts(analysis: Mapping[str, Any], artifact: Mapping[str, Any]) -> Json:
    """What Vapi's own models took from the call: by one plan, by several, or as named outputs (2026)."""
    if found := analysis.get("structuredData") or analysis.get("structuredDataMulti"):
        facts: Json = found
        return facts
    outputs = _table(artifact.get("structuredOutputs"))
    tables = {key: _table(one) for key, one in outputs.items()}
    return {
        _text(one.get("name")) or key: one["result"] for key, one in tables.items() if "result" in one
    } or None


def _duration_s(body: Mapping[str, Any]) -> float | None:
    in_s, in_ms, in_minutes = (
        _number(body.get(key)) for key in ("durationSeconds", "durationMs", "durationMinutes")
    )
    if in_s is not None:
        return in_s
    if in_ms is not None:
        return in_ms / 1000
    return in_minutes * 60 if in_minutes is not None else None


def _costs(body: Mapping[str, Any]) -> list[Json]:
    """One line for each thing that was paid for, from the list or, in older reports, from the table."""
    lines: list[Json] = []
    for one in _listed(body.get("costs")):
        usd = _number(one.get("cost"))
        if usd is not None:
            line: dict[str, Json] = {"for": _text(one.get("type")) or "?", "usd": usd}
            minutes, kind = _number(one.get("minutes")), _text(one.get("subType"))
            lines.append(
                line
                | ({"kind": kind} if kind else {})
                | ({"minutes": minutes} if minutes is not None else {})
            )
    if lines:
        return lines
    parts = _table(body.get("costBreakdown"))
    named = ((key, _number(parts.get(key))) for key in ("transport", "stt", "llm", "tts", "vapi", "chat"))
    return [{"for": key, "usd": usd} for key, usd in named if usd is not None]


def _recording(artifact: Mapping[str, Any], body: Mapping[str, Any]) -> str | None:
    recording = _table(artifact.get("recording"))
    places = (
        artifact.get("recordingUrl"),
        body.get("recordingUrl"),
        _table(recording.get("mono")).get("combinedUrl"),
        recording.get("stereoUrl"),
        body.get("stereoRecordingUrl"),
    )
    return next((url for place in places if (url := _text(place))), None)


def _lines(artifact: Mapping[str, Any], body: Mapping[str, Any]) -> list[Json]:
    """Who said what and when, in seconds since the call began. Prompts and tools are left out."""
    lines: list[Json] = []
    messages = _listed(artifact.get("messages")) or _listed(body.get("messages"))
    for one in messages[:MAX_LINES]:
        who, words = (
            SPEAKERS.get(str(one.get("role"))),
            _text(one.get("message")) or _text(one.get("content")),
        )
        if who is None or words is None:
            continue
        line: dict[str, Json] = {"who": who, "words": words}
        if (at_s := _number(one.get("secondsFromStart"))) is not None:
            line["at_s"] = round(at_s, 2)
        if (took_s := _took_s(one)) is not None:
            line["took_s"] = round(took_s, 2)
        lines.append(line)
    return lines


def _took_s(message: Mapping[str, Any]) -> float | None:
    """How long it was spoken: by its two instants, which are milliseconds always, else by `duration`."""
    began, ended, took = (_number(message.get(key)) for key in ("time", "endTime", "duration"))
    if began is not None and ended is not None and ended >= began:
        return (ended - began) / 1000
    if took is None:
        return None
    return took / 1000 if took > MS_ABOVE else took


def _latency(artifact: Mapping[str, Any]) -> Json:
    """Vapi's own times, in milliseconds; None in a report without them."""
    found = _table(artifact.get("performanceMetrics"))
    if not found:
        return None
    return {
        "turns": [_times(turn) for turn in _listed(found.get("turnLatencies"))],
        "average": _times(found, "Average"),
        "caller_interrupted": _number(found.get("numUserInterrupted")),
        "agent_interrupted": _number(found.get("numAssistantInterrupted")),
    }


def _times(found: Mapping[str, Any], ending: str = "") -> dict[str, Json]:
    known = ((ours, _number(found.get(theirs + ending))) for theirs, ours in LATENCIES.items())
    return {name: round(value, 1) for name, value in known if value is not None}


def our_times(turns: Sequence[Turn]) -> Json:
    """Our own times of the same call: what of Vapi's `model_ms` we answer for."""
    told = [turn for turn in turns if turn.timing.ttfc_ms is not None]
    if not told:
        return None
    first = [turn.timing.ttfc_ms or 0.0 for turn in told]
    return {
        "turns": [
            {
                "turn": turn.position,
                "ttft_ms": _round(turn.timing.ttft_ms),
                "ttfc_ms": _round(turn.timing.ttfc_ms),
            }
            for turn in told
        ],
        "average": {"ttfc_ms": round(sum(first) / len(first), 1)},
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _table(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _listed(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(found: object) -> str | None:
    return found if isinstance(found, str) and found else None


def _number(found: object) -> float | None:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _plain(found: object) -> Json:
    return found if isinstance(found, str | bool | int | float) else None
