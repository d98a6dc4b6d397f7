# ruff: noqa: T201 (it prints what it measured for the process that asked)
"""How long a server takes for two things: `python -m tests.handlers.measure_probe URL N EVERY_S`.

An assistant-request, each for another call, in turn with the bare route `/health/live` of the same app. In a
process of its own and over a blocking socket that stays open, so that what is measured is the server and
the loopback: nothing else runs here. Prints JSON: milliseconds by name.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from urllib.parse import urlsplit

from tests.handlers.house import CALL_ID, a_message

BARE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
WAIT_S = 10.0


def main(url: str, times: int, every_s: float) -> None:
    parts = urlsplit(url)
    took: dict[str, list[float]] = {"assistant-request": [], "bare": []}
    with socket.create_connection((parts.hostname or "", parts.port or 80), WAIT_S) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(times):
            for name, request in (("bare", BARE), ("assistant-request", ringing(number))):
                time.sleep(every_s / 2)
                began_s = time.perf_counter()
                line.sendall(request)
                body = answer(line)
                took[name].append((time.perf_counter() - began_s) * 1000)
                assert name == "bare" or b'"assistant"' in body, body
    print(json.dumps(took))


def ringing(number: int) -> bytes:
    """An assistant-request for a call of its own."""
    found = a_message("assistant_request")
    found["message"]["call"]["id"] = f"{CALL_ID}-probe-{number}"
    body = json.dumps(found).encode()
    head = f"POST /vapi/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def answer(line: socket.socket) -> bytes:
    """The body of one answer that says how long it is."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += line.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += line.recv(65536)
    return body


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
