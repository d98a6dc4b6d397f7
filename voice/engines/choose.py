"""Which engine a worker runs, as its settings say."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from voice.engines.base import Engine
from voice.engines.found import LORA, Found
from voice.engines.many import Many
from voice.engines.placement import model_folder
from voice.errors import SetupError
from voice.settings import Settings

Make = Callable[[Path | None, Path | None], Engine]
"""Makes an engine of a model's folder and of the LoRA adapter to be laid over it, each None for none."""

EVERY = "*"  # in place of a name: each folder in this one, by its own name


def engine_from(settings: Settings) -> Engine:
    """The engine that OFFHOOK_ENGINE names, not yet loaded. Raises SetupError when it cannot do as told."""
    kind = settings.engine or ("openai" if settings.llm_endpoint else "onnx")
    if kind == "openai":
        return _server(settings)
    make = _onnx(settings) if kind == "onnx" else _transformers(settings)
    return _with_further(kind, make, settings)


def _with_further(kind: str, make: Make, settings: Settings) -> Engine:
    """An engine for each model, and for each adapter, which is merged into a copy of the first model."""
    base = model_folder(settings.model) if settings.model else None
    named, found = _adapters(settings)

    def further(folder: Path) -> Engine:
        if not (folder / LORA).exists():
            return make(folder, None)
        if kind == "onnx":
            raise SetupError(
                f"{folder.name} in OFFHOOK_ADAPTERS is a LoRA adapter, which the engine 'onnx' cannot lay"
                " over its model: merge it into a model of its own, or use 'transformers' or 'openai' (vLLM)."
            )
        return make(base, folder)

    first = make(base, None)
    if not settings.adapters:
        return first
    engines = {name: further(folder) for name, folder in named.items()}
    return Many({first.model: first, **engines}, found, further)


def _onnx(settings: Settings) -> Make:
    from voice.engines.onnx import OnnxEngine  # late: another engine's image need not have it

    calls = max(settings.worker_jobs, settings.embedded_calls)
    return lambda folder, _: OnnxEngine(folder, calls=calls)


def _transformers(settings: Settings) -> Make:
    from voice.engines.transformers import TransformersEngine  # late: it needs torch

    def make(folder: Path | None, adapter: Path | None) -> Engine:
        if folder is None:
            raise SetupError("OFFHOOK_MODEL is missing: the engine 'transformers' needs a model's folder.")
        return TransformersEngine(folder, at_once=settings.worker_jobs, adapter=adapter)

    return make


def _server(settings: Settings) -> Engine:
    from voice.engines.openai_server import ModelServer  # late: it needs aiohttp

    if settings.llm_endpoint is None:
        raise SetupError("LLM_ENDPOINT is missing: the engine 'openai' asks the model server there.")
    key = settings.llm_api_key
    named, found = _adapters(settings)
    return ModelServer(
        settings.llm_endpoint,
        model=settings.llm_model or settings.model,
        key=key.get_secret_value() if key else None,
        adapters={name: str(folder) for name, folder in named.items()},
        found=found,
        command=_command(settings),
    )


def _command(settings: Settings) -> list[str]:
    """What starts the server: `{model}` is the folder of OFFHOOK_MODEL, `{name}` what jobs call it."""
    command = settings.engine_command or ""
    if "{model}" not in command and "{name}" not in command:
        return shlex.split(command)
    if settings.model is None:
        raise SetupError("OFFHOOK_MODEL is missing: OFFHOOK_ENGINE_COMMAND names {model} or {name}.")
    filled = {"{model}": str(model_folder(settings.model)), "{name}": settings.llm_model or settings.model}
    parts = shlex.split(command)
    for place, value in filled.items():
        parts = [part.replace(place, value) for part in parts]
    return parts


def _adapters(settings: Settings) -> tuple[dict[str, Path], Found]:
    """The folders of OFFHOOK_ADAPTERS by name, and the one in which more may be found."""
    pairs = {name: folder for name, _, folder in (one.partition("=") for one in settings.adapters)}
    every = pairs.pop(EVERY, None)
    found = Found(None if every is None else Path(every).expanduser().absolute())
    return {name: model_folder(folder) for name, folder in pairs.items()}, found
