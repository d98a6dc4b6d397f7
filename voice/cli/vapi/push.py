"""What changes at Vapi when an agent's assistant is pushed: our settings, over what stands there.

What somebody chose at Vapi and we have no word on stays: the voice, the transcriber, further tools and
hooks. A PATCH replaces a setting as a whole, so the whole of each changed one is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any
from urllib.parse import parse_qsl

from pydantic import SecretStr

from voice.cli.values import PASSWORD, shown_value
from voice.cli.vapi.wrong import name_of_tool, without_key

THEIRS = ("id", "orgId", "createdAt", "updatedAt", "isServerUrlSecretSet", "latestVersionId")
# In a key whose value is text.
SECRETS = ("apikey", "api-key", "secret", "token", "password", "authorization")
SECRET_HEADER = "x-vapi-secret"
OURS_IN_QUERY = "agent"  # whose value may be shown
HIDDEN = "…"
OF_ANY_MODEL = ("messages", "tools", "toolIds", "knowledgeBase", "knowledgeBaseId")

Assistant = dict[str, Any]
Request = tuple[str, str, Assistant]
"""Method, path, body."""


def merged(theirs: Mapping[str, Any], ours: Mapping[str, Any], *, with_secret: bool) -> Assistant:
    """What is to stand at Vapi.

    A secret has two halves, the server's header and the model's credential, and half a rotation is a
    call that ends at once. So both are sent or none: always to a new assistant, to one that is there on
    demand, since Vapi's answers may hide what it has.
    """
    found = {key: value for key, value in theirs.items() if key not in THEIRS}
    if not theirs or with_secret:
        found = _without_old_secret(found, ours)
    else:
        ours = _without_secret(ours)
    for key, value in ours.items():
        if key == "credentials":
            value = [*(found.get(key) or ()), *value]
        elif key == "voice" and isinstance(found.get(key), dict):
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


def keeps_secret(theirs: Mapping[str, Any], ours: Mapping[str, Any], wanted: Assistant) -> bool:
    """Whether a secret that is ours does not go along, as far as Vapi's answer shows what it has."""
    return bool(theirs) and merged(theirs, ours, with_secret=True) != wanted


def _without_secret(ours: Mapping[str, Any]) -> Assistant:
    """Our assistant without either half of the secret."""
    found = {key: value for key, value in ours.items() if key != "credentials"}
    if isinstance(server := found.get("server"), Mapping):
        found["server"] = {key: value for key, value in server.items() if key != "headers"}
    return found


def _without_old_secret(theirs: Assistant, ours: Mapping[str, Any]) -> Assistant:
    """Theirs without what ours replaces: the same header however written, another key of a custom LLM."""
    found = dict(theirs)
    server, listed = found.get("server"), found.get("credentials")
    if isinstance(server, Mapping) and "headers" in (ours.get("server") or {}):
        headers = server.get("headers")
        kept = headers.items() if isinstance(headers, Mapping) else ()
        other = {name: value for name, value in kept if name.lower() != SECRET_HEADER}
        found["server"] = {key: value for key, value in server.items() if key not in ("secret", "headers")}
        found["server"] |= {"headers": other} if other else {}
    if isinstance(listed, list) and ours.get("credentials"):
        found["credentials"] = [one for one in listed if not _is_of_a_model(one)]
    return found


def _is_of_a_model(credential: Any) -> bool:
    return isinstance(credential, Mapping) and credential.get("provider") == "custom-llm"


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
    """The same without secrets, for a screen. Of headers and of a URL's query only the names are shown."""
    if isinstance(found, Mapping):
        return {key: _masked_in(str(key).lower(), value) for key, value in found.items()}
    if isinstance(found, str):
        return _without_query(PASSWORD.sub(rf"\1:{HIDDEN}@", without_key(found)))
    return [masked(one) for one in found] if isinstance(found, list) else found


def _masked_in(key: str, value: Any) -> Any:
    """The value of a key. Whatever stands in a header may let somebody in."""
    if key == "headers" and isinstance(value, Mapping):
        return {name: shown_value(SecretStr(str(one))) for name, one in value.items()}
    if isinstance(value, str) and any(word in key for word in SECRETS):
        return shown_value(SecretStr(value))
    return masked(value)


def _without_query(text: str) -> str:
    address, mark, query = text.partition("?")
    if "://" not in address or not mark:
        return text
    names = (
        f"{name}={value if name == OURS_IN_QUERY else HIDDEN}"
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    return f"{address}?{'&'.join(names) or HIDDEN}"


def clashes(wanted: Assistant) -> list[str]:
    """The names that several tools of an assistant share: nobody could tell which one is asked for."""
    model = wanted.get("model")
    listed = model.get("tools") if isinstance(model, Mapping) else None
    names = [name_of_tool(one) for one in listed] if isinstance(listed, list) else []
    return sorted({name for name in names if name and names.count(name) > 1})


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


def requests(theirs: Mapping[str, Any], wanted: Assistant) -> Iterator[Request]:
    """The request that makes it so. None when nothing differs."""
    if not theirs:
        yield "POST", "/assistant", wanted
    elif body := changes(theirs, wanted):
        yield "PATCH", f"/assistant/{theirs['id']}", body
