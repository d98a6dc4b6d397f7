"""What changes at Vapi when an agent's assistant is pushed: our settings, over what stands there.

What somebody chose at Vapi and we have no word on stays: the voice, the transcriber, further tools and
hooks. A PATCH replaces a setting as a whole, so the whole of each changed one is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

from pydantic import SecretStr

from voice.cli.values import shown_value

THEIRS = ("id", "orgId", "createdAt", "updatedAt", "isServerUrlSecretSet", "latestVersionId")
SECRETS = (
    "apikey",
    "api-key",
    "secret",
    "token",
    "password",
    "authorization",
)  # in a key whose value is text
OF_ANY_MODEL = ("messages", "tools", "toolIds", "knowledgeBase", "knowledgeBaseId")

Assistant = dict[str, Any]


def merged(theirs: Mapping[str, Any], ours: Mapping[str, Any], *, with_secret: bool) -> Assistant:
    """What is to stand at Vapi. Its answers may hide a credential, so one that is there is left alone."""
    found = {key: value for key, value in theirs.items() if key not in THEIRS}
    has_credential = bool(theirs.get("credentials") or theirs.get("credentialIds"))
    for key, value in ours.items():
        if key == "credentials" and has_credential and not with_secret:
            continue
        if key == "voice" and isinstance(found.get(key), dict):
            value = _over(found[key], {"chunkPlan": value["chunkPlan"]})
        elif key == "transcriber" and found.get(key):
            continue
        elif key == "hooks":
            value = _listed(found.get(key), value, _hook)
        elif key == "model" and isinstance(found.get(key), dict):
            value = _model(found[key], value)
        elif isinstance(value, dict) and isinstance(found.get(key), dict):
            value = _over(found[key], value)
        found[key] = value
    return found


def changes(theirs: Mapping[str, Any], wanted: Assistant) -> Assistant:
    """The settings that differ: the body of a PATCH."""
    return {key: value for key, value in wanted.items() if theirs.get(key) != value}


def difference(theirs: Mapping[str, Any], wanted: Assistant) -> list[str]:
    """What changes, line by line, without secrets; [] when nothing does."""
    before = {key: theirs[key] for key in wanted if key in theirs}
    old, new = _lines(before), _lines(wanted)
    if old == new and before != wanted:  # only what is masked differs
        return ["  a secret changes"]
    names = ("at Vapi" if theirs else "nothing", "here")
    return list(unified_diff(old, new, *names, lineterm="", n=2))


def masked(found: Any) -> Any:
    """The same without secrets, for a screen."""
    if isinstance(found, Mapping):
        return {
            key: shown_value(SecretStr(value))
            if isinstance(value, str) and any(word in str(key).lower() for word in SECRETS)
            else masked(value)
            for key, value in found.items()
        }
    return [masked(one) for one in found] if isinstance(found, list) else found


def _lines(found: Mapping[str, Any]) -> list[str]:
    return (
        json.dumps(masked(found), indent=2, ensure_ascii=False, sort_keys=True).splitlines() if found else []
    )


def _model(theirs: Assistant, ours: Assistant) -> Assistant:
    """Another provider's settings would be refused; what every model has goes along."""
    if theirs.get("provider") != ours.get("provider"):
        theirs = {key: theirs[key] for key in OF_ANY_MODEL if key in theirs}
    return _over(theirs, {**ours, "tools": _listed(theirs.get("tools"), ours.get("tools", []), _tool)})


def _over(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Assistant:
    """Our settings over theirs, table by table."""
    found = dict(theirs)
    for key, value in ours.items():
        inner = found.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        found[key] = _over(inner, value) if both and isinstance(inner, Mapping) else value
    return found


def _listed(theirs: Any, ours: list[Any], name: Any) -> list[Any]:
    """Our entries in the place of theirs of the same name; theirs of other names stay."""
    mine = {name(one): one for one in ours}
    kept = [mine.pop(name(one), one) for one in theirs] if isinstance(theirs, list) else []
    return [*kept, *mine.values()]


def _hook(hook: Any) -> object:
    """What tells hooks apart: when they act, and what they do. Where a transfer goes to does not."""
    if not isinstance(hook, Mapping):
        return id(hook)
    done = hook.get("do")
    acts = [_act(one) for one in done] if isinstance(done, list) else []
    return json.dumps([hook.get("on"), hook.get("filters") or [], acts], sort_keys=True)


def _act(action: Any) -> object:
    tool = action.get("tool") if isinstance(action, Mapping) else None
    return [action.get("type"), tool.get("type")] if isinstance(tool, Mapping) else action


def _tool(tool: Any) -> object:
    """What tells tools apart: of Vapi's own kinds there is one each."""
    if not isinstance(tool, Mapping):
        return id(tool)
    function = tool.get("function")
    named = function.get("name") if isinstance(function, Mapping) else None
    return ("function", named) if tool.get("type") == "function" else tool.get("type")


def requests(theirs: Mapping[str, Any], wanted: Assistant) -> Iterator[tuple[str, str, Assistant]]:
    """The request that makes it so: method, path, body. None when nothing differs."""
    if not theirs:
        yield "POST", "/assistant", wanted
    elif body := changes(theirs, wanted):
        yield "PATCH", f"/assistant/{theirs['id']}", body
