"""Which engine a worker runs, as its settings say."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from voice.engines.choose import engine_from
from voice.errors import EngineDied, SetupError
from voice.settings import load_settings


def a_model(root: Path, name: str, *, lora: bool = False) -> Path:
    folder = root / name
    folder.mkdir()
    (folder / ("adapter_config.json" if lora else "config.json")).write_text("{}", encoding="utf-8")
    return folder


def test_without_a_word_the_packaged_model_is_run(tmp_path: Path) -> None:
    engine = engine_from(load_settings(tmp_path))

    assert (type(engine).__name__, engine.models) == ("OnnxEngine", ("embedded",))


def test_an_endpoint_of_a_model_server_makes_it_the_engine(tmp_path: Path) -> None:
    adapter = a_model(tmp_path, "lora", lora=True)

    engine = engine_from(
        load_settings(
            tmp_path,
            llm_endpoint="http://127.0.0.1:8001/v1",
            llm_model="jamie-8b",
            adapters=(f"rosa={adapter}",),
        )
    )

    assert (type(engine).__name__, engine.models) == ("ModelServer", ("jamie-8b", "rosa"))


def test_further_model_folders_may_be_asked_for_by_name(tmp_path: Path) -> None:
    jamie, rosa = a_model(tmp_path, "jamie"), a_model(tmp_path, "rosa")

    engine = engine_from(load_settings(tmp_path, model=str(jamie), adapters=(f"matchmaker={rosa}",)))

    assert engine.models == ("jamie", "matchmaker")


def test_an_adapter_that_the_engine_cannot_lay_over_its_model_is_refused_at_the_start(tmp_path: Path) -> None:
    adapter, model = a_model(tmp_path, "lora", lora=True), a_model(tmp_path, "jamie")

    with pytest.raises(SetupError, match=r"lora in OFFHOOK_ADAPTERS is a LoRA adapter.*'onnx'.*vLLM"):
        engine_from(load_settings(tmp_path, engine="onnx", model=str(model), adapters=(f"rosa={adapter}",)))


def test_an_adapter_is_laid_over_a_copy_of_the_model_by_transformers(tmp_path: Path) -> None:
    adapter, model = a_model(tmp_path, "lora", lora=True), a_model(tmp_path, "jamie")

    engine = engine_from(
        load_settings(tmp_path, engine="transformers", model=str(model), adapters=(f"rosa={adapter}",))
    )

    assert engine.models == ("jamie", "rosa")


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:8001/v1"])
def test_what_lies_in_a_folder_of_adapters_may_be_asked_for_also_when_it_comes_later(
    tmp_path: Path, endpoint: str | None
) -> None:
    adapters, jamie = tmp_path / "adapters", a_model(tmp_path, "jamie")

    engine = engine_from(
        load_settings(
            tmp_path, llm_endpoint=endpoint, llm_model="jamie", model=str(jamie), adapters=(f"*={adapters}",)
        )
    )
    adapters.mkdir()
    a_model(adapters, "rosa", lora=True)
    (adapters / "half-copied").mkdir()

    assert engine.models == ("jamie", "rosa")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"engine": "openai"}, "LLM_ENDPOINT"),
        ({"engine": "transformers"}, "OFFHOOK_MODEL"),
        ({"llm_endpoint": "http://h/v1", "engine_command": "vllm serve {model}"}, "OFFHOOK_MODEL"),
        ({"model": "/no/such/model"}, "/no/such/model"),
        ({"adapters": ("rosa=/no/such/model",)}, "/no/such/model"),
    ],
)
def test_settings_that_lead_to_no_engine_are_refused_by_name(tmp_path: Path, given, names: str) -> None:
    with pytest.raises(SetupError, match=names):
        engine_from(load_settings(tmp_path, **given))


async def test_the_command_of_a_model_server_is_told_the_models_folder_and_its_name(tmp_path: Path) -> None:
    folder = a_model(tmp_path, "jamie 8b")
    tells = "import sys; sys.exit(' '.join(sys.argv[1:]))"
    command = shlex.join([sys.executable, "-c", tells, "{model}", "--served-model-name={name}"])

    engine = engine_from(
        load_settings(
            tmp_path,
            llm_endpoint="http://127.0.0.1:9/v1",
            llm_model="jamie",
            model=str(folder),
            engine_command=command,
        )
    )

    with pytest.raises(EngineDied, match=f"{folder} --served-model-name=jamie"):
        await engine.start()


@pytest.mark.parametrize("adapters", ["rosa", "rosa=", "=/models/rosa", "rosa=/a,rosa=/b"])
def test_adapters_are_names_with_folders(tmp_path: Path, adapters: str) -> None:
    with pytest.raises(SetupError, match="OFFHOOK_ADAPTERS"):
        load_settings(tmp_path, adapters=adapters)
