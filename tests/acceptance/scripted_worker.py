"""The worker's entry with an engine that is told what to write, in place of `python runpod_handler.py`.

The caller's last words say how: "hang" writes for ever, "fail" breaks off, "die" ends its process once,
anything else is answered.
"""

from __future__ import annotations

import asyncio
import os
import sys

import runpod_handler
from voice.engines.scripted import ScriptedEngine
from voice.errors import EngineDied
from voice.types import Finish, Hear, Prompt


class ToldEngine(ScriptedEngine):
    """Does what the prompt says."""

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        words = prompt.messages[-1].text
        if words == "hang":
            hear("On and on, ")
            try:
                await asyncio.Event().wait()
            finally:
                sys.stderr.write("engine.stopped\n")
        if words == "fail":
            hear("Well, ")
            raise OSError("no such file")
        if words == "die":
            if not prompt.so_far:
                hear("Well, ")
                raise EngineDied("the engine's process is gone")
            hear("here I am.")
            return Finish()
        return await super().write(prompt, hear, model)


if __name__ == "__main__":
    if os.environ.get("OFFHOOK_WORKER_MODE") == "lb":
        asyncio.run(runpod_handler.serve_http(ToldEngine(), at_once=4))
    else:
        runpod_handler.serve(ToldEngine(), at_once=4)
