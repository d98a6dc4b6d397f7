"""A reply in OpenAI's shapes: server-sent events while it is written, or one object at its end."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence

import orjson

from voice.job import tool_call_objects, usage_object
from voice.types import Finish, Json

DONE = "data: [DONE]\n\n"


class Completion:
    """One chat completion. Every text it gives is whole frames, each ending in a blank line.

    RunPod's OpenAI route tells no job's id: it stands in the completion's own, for whoever wants to cancel.
    """

    def __init__(self, model: str, job_id: object = None) -> None:
        self._model = model
        self._id = f"chatcmpl-{job_id if isinstance(job_id, str) and job_id else uuid.uuid4().hex}"
        self._created = int(time.time())
        self._began = False

    def piece(self, text: str) -> str:
        """The frame of a piece of text; the first one names the role."""
        return self._frame({"content": text}, None)

    def end(self, finish: Finish, text: str, facts: Mapping[str, Json]) -> str:
        """The last frames: text and tool calls, finish reason, usage and `facts`, then [DONE]."""
        frames = self.piece(text) if text else ""
        if finish.tool_calls:
            calls = tool_call_objects(finish.tool_calls)
            numbered: list[Json] = [
                {"index": place, **call} for place, call in enumerate(calls) if isinstance(call, dict)
            ]
            frames += self._frame({"tool_calls": numbered}, None)
        return frames + self._frame({}, finish, facts) + DONE

    def whole(self, text: str, finish: Finish, facts: Mapping[str, Json]) -> dict[str, Json]:
        """The completion as one object."""
        message: dict[str, Json] = {"role": "assistant", "content": text}
        if finish.tool_calls:
            message["tool_calls"] = tool_call_objects(finish.tool_calls)
        choice: Json = {"index": 0, "message": message, "finish_reason": finish.reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage_object(finish), **facts}

    def _frame(
        self, delta: dict[str, Json], finish: Finish | None, facts: Mapping[str, Json] | None = None
    ) -> str:
        if not self._began:
            delta = {"role": "assistant", **delta}
            self._began = True
        reason = finish.reason if finish else None
        choice: Json = {"index": 0, "delta": delta, "finish_reason": reason}
        fields: dict[str, Json] = {**self._head("chat.completion.chunk"), "choices": [choice]}
        if finish:
            fields |= {"usage": usage_object(finish), **(facts or {})}
        return f"data: {orjson.dumps(fields).decode()}\n\n"

    def _head(self, kind: str) -> dict[str, Json]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}


def models_object(models: Sequence[str]) -> dict[str, Json]:
    """OpenAI's list of models, with those that this worker runs."""
    listed: list[Json] = [
        {"id": model, "object": "model", "created": 0, "owned_by": "offhook"} for model in models
    ]
    return {"object": "list", "data": listed}
