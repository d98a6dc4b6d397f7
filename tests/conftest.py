"""What every test may ask for: played time, and settings that come from nowhere but the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import settings

from voice.settings import Settings, env_name
from voice.simulate.virtual_time import VirtualLoop

settings.register_profile("house", deadline=None)  # a busy machine is no fault
settings.load_profile("house")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Function
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A test that asks for `virtual_time` runs on a clock that is played."""
    if "virtual_time" in item.fixturenames:
        return {"virtual": VirtualLoop}
    return {"real": asyncio.new_event_loop}


@dataclass
class VirtualTime:
    """The played clock of one test."""

    loop: asyncio.AbstractEventLoop
    began_at: float

    @property
    def elapsed_s(self) -> float:
        return self.loop.time() - self.began_at


@pytest.fixture
async def virtual_time() -> VirtualTime:
    loop = asyncio.get_running_loop()
    return VirtualTime(loop, loop.time())


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not see the settings, keys and secrets of the machine they run on."""
    for field in Settings.model_fields:
        monkeypatch.delenv(env_name(field), raising=False)
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "PROTOCOL"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
