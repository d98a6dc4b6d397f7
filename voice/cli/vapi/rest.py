"""Vapi's REST API, as far as assistants need it: list, read, create, change.

Source: the `assistants` client of vapi_server_sdk 1.9.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from voice.cli.screen import Failed

LIMIT_S = 20.0  # for one request
MOST = 1000  # assistants in one list, as many as Vapi gives
MAX_SHOWN_CHARS = 400  # of what Vapi says to a refusal


class VapiRest:
    """Vapi's API with one key. Used as a context. Raises Failed with a line that says what to do."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base = base_url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(timeout=LIMIT_S, trust_env=False, headers=headers)

    def __enter__(self) -> VapiRest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def named(self, name: str) -> list[dict[str, Any]]:
        """Every assistant of this name. Raises Failed where the list cannot be trusted to hold it."""
        found = self._ask("GET", f"/assistant?limit={MOST}")
        if not isinstance(found, list):  # taken for "none", it would be created a second time
            raise Failed("Vapi's answer is no list of assistants: see VAPI_BASE_URL")
        named = [one for one in found if isinstance(one, dict) and one.get("name") == name]
        if not named and len(found) >= MOST:
            raise Failed(f"Vapi lists {MOST} assistants and may have more: name yours with --id")
        return named

    def read(self, assistant_id: str) -> dict[str, Any]:
        return _table(self._ask("GET", f"/assistant/{quote(assistant_id, safe='')}"))

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        return _table(self._ask("POST", "/assistant", body))

    def change(self, assistant_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return _table(self._ask("PATCH", f"/assistant/{quote(assistant_id, safe='')}", body))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._http.request(method, f"{self._base}{path}", json=body)
        except httpx.HTTPError as exc:
            raise Failed(f"{self._base} was not reached ({type(exc).__name__}): see VAPI_BASE_URL") from exc
        if answer.status_code in (401, 403):
            raise Failed(
                f"Vapi answered {answer.status_code}: VAPI_API_KEY must be the organisation's private key"
            )
        if answer.status_code == 404 and method != "POST":
            raise Failed("Vapi knows no assistant of this id: leave out --id to find it by its name")
        if not answer.is_success:
            raise Failed(f"Vapi answered {answer.status_code}: {_told(answer)}")
        try:
            return answer.json()
        except ValueError:
            raise Failed(f"{self._base} does not answer in JSON: see VAPI_BASE_URL") from None


def _table(found: Any) -> dict[str, Any]:
    if isinstance(found, dict) and isinstance(found.get("id"), str):
        return found
    raise Failed("Vapi's answer is no assistant: see VAPI_BASE_URL")


def _told(answer: httpx.Response) -> str:
    """What Vapi says to a refusal: one sentence, or one for each wrong field."""
    try:
        said = answer.json().get("message")
    except (ValueError, AttributeError):
        return "no reason given"
    text = "; ".join(str(one) for one in said) if isinstance(said, list) else str(said)
    return " ".join(text.split())[:MAX_SHOWN_CHARS]
