"""Vapi's REST API on this machine, as far as assistants need it: one list in memory.

Source: the `assistants` client of vapi_server_sdk 1.9; a PATCH replaces each setting that it names.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "vapi-private-key"
STAMPS = {"orgId": "org", "createdAt": "2026-11-21T10:00:00Z", "updatedAt": "2026-11-21T10:00:00Z"}


@dataclass
class VapiHost:
    """The assistants that are kept there, and the requests that came."""

    url: str = ""
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    lists: Any = None  # what it gives in place of its list
    refuses: str | None = None  # what it says to whatever would change something

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append((method, path))
        name = path.partition("?")[0].removeprefix("/assistant").strip("/")
        if method in ("POST", "PATCH") and self.refuses:
            return 400, {"message": [self.refuses, "name must be shorter"], "statusCode": 400}
        if method == "POST":
            self.kept["a1"] = {"id": "a1", **STAMPS, **body}
            return 201, self.kept["a1"]
        if not name:
            return 200, list(self.kept.values()) if self.lists is None else self.lists
        if name not in self.kept:
            return 404, {"message": "no such assistant"}
        self.kept[name].update(body)
        return 200, self.kept[name]


@contextmanager
def a_vapi_host(**kept: dict[str, Any]) -> Iterator[VapiHost]:
    """A host on a free port, with these assistants by id."""
    host = VapiHost(kept={name: {"id": name, **one} for name, one in kept.items()})

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("authorization") == f"Bearer {KEY}":
                status, told = host.answer(self.command, self.path, json.loads(body or b"{}"))
            else:
                status, told = 401, {"message": "Invalid Key"}
            raw = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = _answer  # the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: pytest shows stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
