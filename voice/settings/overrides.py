"""Whether `overrides` and `squad` of a `[[lines]]` table, in the platform's words, have the right shape.

Vapi refuses what is not, and then the caller hears nothing. A key that is not known here is only doubted:
the platform adds keys without asking.

Source: AssistantOverrides, CreateSquadDto and SquadMemberDto of vapi_server_sdk 1.9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

TEXT, SWITCH, NUMBER, TABLE, LIST = "text", "true or false", "a number", "a table, {…}", "a list, […]"
KINDS: Mapping[str, tuple[str, ...]] = {
    TEXT: (
        "name", "firstMessage", "firstMessageMode", "voicemailMessage", "endCallMessage", "backgroundSound",
    ),
    SWITCH: ("firstMessageInterruptionsEnabled", "modelOutputInMessagesEnabled"),
    NUMBER: ("maxDurationSeconds", "silenceTimeoutSeconds"),
    TABLE: (
        "transcriber", "model", "voice", "observabilityPlan", "variableValues", "compliancePlan", "metadata",
        "backgroundSpeechDenoisingPlan", "analysisPlan", "artifactPlan", "startSpeakingPlan",
        "stopSpeakingPlan", "monitorPlan", "server", "keypadInputPlan", "messagePlan",
    ),
    LIST: (
        "clientMessages", "serverMessages", "transportConfigurations", "credentials", "hooks", "tools:append",
        "endCallPhrases", "credentialIds",
    ),
}  # fmt: skip
KIND_OF = {key: kind for kind, keys in KINDS.items() for key in keys}
KNOWN = (*KIND_OF, "voicemailDetection")  # the last is "off" or a table
SQUAD_KEYS = ("name", "members", "membersOverrides")
MEMBER_KEYS = ("assistantId", "assistant", "assistantOverrides", "assistantDestinations")
MEMBER = '{assistantId = "…"}, one that is kept at the platform, or {assistant = {…}}'


def wrong_overrides(found: Mapping[str, Any], place: str = "overrides") -> Iterator[str]:
    """What has the wrong kind, in sentences."""
    for key, value in found.items():
        kind = KIND_OF.get(key)
        if kind is not None and not _is_of(kind, value):
            yield f"{place}.{key} = {value!r} must be {kind}"


def wrong_squad(squad: Mapping[str, Any]) -> Iterator[str]:
    """Why the platform would refuse a squad, in sentences."""
    members = squad.get("members")
    if not isinstance(members, list) or not members:
        yield "squad has no members: write squad = {members = [{…}]}"
        return
    for place, member in enumerate(members):
        yield from _wrong_member(member, f"squad.members[{place}]")
    yield from _wrong_table(squad, "membersOverrides", "squad")


def doubtful(overrides: Mapping[str, Any], squad: Mapping[str, Any]) -> Iterator[str]:
    """Keys that the platform may not know, each with the one that was probably meant."""
    yield from _unknown(overrides, KNOWN, "overrides")
    yield from _unknown(squad, SQUAD_KEYS, "squad")
    yield from _unknown(_table(squad, "membersOverrides"), KNOWN, "squad.membersOverrides")
    members = squad.get("members")
    for index, member in enumerate(members if isinstance(members, list) else ()):
        place = f"squad.members[{index}]"
        yield from _unknown(member, MEMBER_KEYS, place)
        for key in ("assistant", "assistantOverrides"):
            yield from _unknown(_table(member, key), KNOWN, f"{place}.{key}")


def _wrong_member(member: object, place: str) -> Iterator[str]:
    if not isinstance(member, Mapping):
        yield f"{place} = {member!r} is no member: write {MEMBER}"
        return
    kept = member.get("assistantId")
    if kept is not None and not (isinstance(kept, str) and kept.strip()):
        yield f"{place}.assistantId = {kept!r} must be text"
    if kept is None and not member.get("assistant"):
        yield f"{place} names no assistant: write {MEMBER}"
    for key in ("assistant", "assistantOverrides"):
        yield from _wrong_table(member, key, place)


def _wrong_table(found: Mapping[str, Any], key: str, place: str) -> Iterator[str]:
    inner = found.get(key, {})
    if isinstance(inner, Mapping):
        yield from wrong_overrides(inner, f"{place}.{key}")
    else:
        yield f"{place}.{key} = {inner!r} must be {TABLE}"


def _table(found: object, key: str) -> object:
    return found.get(key, {}) if isinstance(found, Mapping) else {}


def _unknown(found: object, known: tuple[str, ...], place: str) -> Iterator[str]:
    for key in found if isinstance(found, Mapping) else ():
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            meant = f"; write {close[0]}" if close else ""
            yield f"{place}.{key} is no key that Vapi is known to have{meant}"


def _is_of(kind: str, value: object) -> bool:
    if kind == NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool)
    kinds: Mapping[str, type] = {TEXT: str, SWITCH: bool, TABLE: Mapping, LIST: list}
    return isinstance(value, kinds[kind])
