"""Sends closed turns to an OpenTelemetry collector, when one is named.

Standard variables of the environment say where and how: OTEL_EXPORTER_OTLP_ENDPOINT (or
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) switches it on, the SDK reads the others itself. Without them
nothing of OpenTelemetry is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Thread

from voice.errors import SetupError
from voice.events import Bus, CallEnded, CallMoved, CallStarted, TurnClosed
from voice.settings import RouteSettings, from_env

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"  # every collector takes it; gRPC would bring 20 MB
FLUSH_S = 2.0  # at close: a collector that hangs does not hold up a restart


def set_up_traces(bus: Bus, routes: Sequence[RouteSettings]) -> Callable[[], None]:
    """Trace every turn from now on, if a collector is named. Returns what ends it.

    What ends it waits up to FLUSH_S for spans under way. `routes` tell each route's host and model.
    Raises SetupError when a collector is named and cannot be used.
    """
    named = _first(ENDPOINTS)
    if named is None:
        return lambda: None
    name, endpoint = named
    if not endpoint.startswith(("http://", "https://")):
        raise SetupError(f"{name} is {endpoint!r}: write an URL such as http://localhost:4318")
    if (other := _first(PROTOCOLS)) and other[1] != PROTOCOL:
        raise SetupError(
            f"{other[0]} is {other[1]!r}: spans go out as {PROTOCOL}; set that, and the collector's HTTP port"
        )
    try:
        from voice.telemetry.spans import Spans, collector  # optional: the extra `otel`, 65 ms
    except ImportError as exc:
        raise SetupError(
            f'{name} is set, and OpenTelemetry is not installed; pip install "offhook[otel]", or unset it'
        ) from exc
    provider = collector()
    bus.subscribe(Spans(provider, routes).hear, CallStarted, CallEnded, CallMoved, TurnClosed)

    def close() -> None:
        # The SDK's own limit is half a minute, and its thread may hang in a socket.
        flushing = Thread(target=provider.shutdown, daemon=True)
        flushing.start()
        flushing.join(FLUSH_S)

    return close


def _first(names: Sequence[str]) -> tuple[str, str] | None:
    """The first of these variables that is set, and its value."""
    return next(((name, value) for name in names if (value := from_env(name))), None)
