"""The worker's entry with an engine that is told what to write, in place of `python runpod_handler.py`.

The caller's last words say how: "hang" writes for ever, "fail" breaks off, anything else is answered.
"""

from __future__ import annotations

import asyncio
import sys

import runpod_handler
from voice.engines.scripted import ScriptedEngine
from voice.errors import EngineDied
from voice.types import Finish, Hear, Prompt


class ToldEngine(ScriptedEngine):
    """Does what the prompt says."""

    async def write(self, prompt: Prompt, hear: Hear) -> Finish:
        words = prompt.messages[-1].text
        if words == "hang":
            hear("On and on, ")
            try:
                await asyncio.Event().wait()
            finally:
                sys.stderr.write("engine.stopped\n")
        if words == "fail":
            hear("Well, ")
            raise EngineDied("the engine's process is gone")
        return await super().write(prompt, hear)


if __name__ == "__main__":
    runpod_handler.serve(ToldEngine(), at_once=4)
