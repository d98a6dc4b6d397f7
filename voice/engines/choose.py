"""Which engine a worker runs, as its settings say."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from voice.engines.base import Engine
from voice.engines.many import Many
from voice.engines.placement import model_folder
from voice.errors import SetupError
from voice.settings import Settings

LORA = "adapter_config.json"  # what PEFT writes beside an adapter's weights


def engine_from(settings: Settings) -> Engine:
    """The engine that OFFHOOK_ENGINE names, not yet loaded. Raises SetupError when it cannot do as told."""
    kind = settings.engine or ("openai" if settings.llm_endpoint else "onnx")
    if kind == "openai":
        return _server(settings)
    make = _onnx(settings) if kind == "onnx" else _transformers(settings)
    return _with_further(kind, make, settings)


def _with_further(kind: str, make: Callable[[Path | None], Engine], settings: Settings) -> Engine:
    """An engine for each model: these engines have whole models only, no adapters laid over one."""
    folders = {name: model_folder(folder) for name, folder in _pairs(settings.adapters).items()}
    for name, folder in folders.items():
        if (folder / LORA).exists():
            raise SetupError(
                f"{name} in OFFHOOK_ADAPTERS is a LoRA adapter, which the engine {kind!r} cannot lay over its"
                " model: merge it into a model of its own, or use the engine 'openai' (vLLM)."
            )
    first = make(model_folder(settings.model) if settings.model else None)
    if not folders:
        return first
    return Many({first.model: first, **{name: make(folder) for name, folder in folders.items()}})


def _onnx(settings: Settings) -> Callable[[Path | None], Engine]:
    from voice.engines.onnx import OnnxEngine  # late: another engine's image need not have it

    calls = max(settings.worker_jobs, settings.embedded_calls)
    return lambda folder: OnnxEngine(folder, calls=calls)


def _transformers(settings: Settings) -> Callable[[Path | None], Engine]:
    from voice.engines.transformers import TransformersEngine  # late: it needs torch

    def make(folder: Path | None) -> Engine:
        if folder is None:
            raise SetupError("OFFHOOK_MODEL is missing: the engine 'transformers' needs a model's folder.")
        return TransformersEngine(folder, at_once=settings.worker_jobs)

    return make


def _server(settings: Settings) -> Engine:
    from voice.engines.openai_server import ModelServer  # late: it needs aiohttp

    if settings.llm_endpoint is None:
        raise SetupError("LLM_ENDPOINT is missing: the engine 'openai' asks the model server there.")
    key = settings.llm_api_key
    return ModelServer(
        settings.llm_endpoint,
        model=settings.llm_model or settings.model,
        key=key.get_secret_value() if key else None,
        adapters={name: str(model_folder(folder)) for name, folder in _pairs(settings.adapters).items()},
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


def _pairs(adapters: tuple[str, ...]) -> Mapping[str, str]:
    return {name: folder for name, _, folder in (one.partition("=") for one in adapters)}
