"""The GPU image and its place in RunPod's hub: what can be checked of them without building the image.

The Dockerfile is read by a small parser and held to the main rules of hadolint, whose numbers stand
beside them. What its COPY steps bring together is brought together in a scratch folder, and its smoke
test is run there.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tests.test_gpu_image import file_of, imports_of, reached_from
from voice.engines.choose import engine_from
from voice.job import parse_job
from voice.settings import Settings, env_name, load_settings

ROOT = Path(__file__).parent.parent
HUB = ROOT / ".runpod"
DOCKERFILE = ROOT / "Dockerfile.serverless"
IGNORED = ROOT / "Dockerfile.serverless.dockerignore"
KNOWN = {"ARG", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "RUN", "SHELL", "WORKDIR"}
# Modules that only the engine `transformers` imports, late: this image runs vLLM instead.
ELSEWHERE = {"peft", "torch", "transformers"}
DISTRIBUTIONS = {"onnxruntime_genai": "onnxruntime-genai", "pydantic_settings": "pydantic-settings"}


@dataclass(frozen=True)
class Step:
    """One instruction, its continued lines joined."""

    word: str
    text: str


def steps_of(path: Path) -> list[Step]:
    lines = [
        line for line in path.read_text(encoding="utf-8").splitlines() if not line.strip().startswith("#")
    ]
    whole = re.sub(r"\\\n", " ", "\n".join(lines))
    return [Step(*line.strip().split(maxsplit=1)) for line in whole.splitlines() if line.strip()]


STEPS = steps_of(DOCKERFILE)


def texts(word: str) -> list[str]:
    return [step.text for step in STEPS if step.word == word]


def env_of_image() -> dict[str, str]:
    return dict(part.split("=", 1) for text in texts("ENV") for part in shlex.split(text))


def place_of(word: str, piece: str) -> int:
    return next(at for at, step in enumerate(STEPS) if step.word == word and piece in step.text)


def copied() -> Iterator[tuple[str, str]]:
    """Each thing that is copied from this folder, and where to, below /app."""
    for text in texts("COPY"):
        *sources, target = text.split()
        for source in sources:
            to = target if not target.endswith("/") else f"{target}{Path(source).name}"
            yield source, to


# The Dockerfile


def test_every_instruction_is_one_that_the_parser_knows():
    assert {step.word for step in STEPS} <= KNOWN
    assert STEPS[0].word == "FROM"


def test_the_base_image_is_pinned():  # DL3006, DL3007
    (base,) = texts("FROM")

    assert re.fullmatch(r"\S+/\S+:v\d+\.\d+\.\d+", base)


def test_pipes_fail_with_their_first_part():  # DL4006
    assert json.loads(texts("SHELL")[0]) == ["/bin/bash", "-o", "pipefail", "-c"]


def test_packages_are_pinned_and_no_cache_is_left():  # DL3013, DL3042
    pip = [text for text in texts("RUN") if "pip install" in text]

    assert pip
    assert all("-c constraints.txt" in text and "--no-cache-dir" in text for text in pip)
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    assert all(f"\n{name}==" in pinned for name in requirements())


def test_folders_are_absolute_and_stand_before_what_is_copied_into_them():  # DL3000, DL3045
    assert all(text.startswith("/") for text in texts("WORKDIR"))
    assert place_of("WORKDIR", "/app") < min(at for at, step in enumerate(STEPS) if step.word == "COPY")


def test_the_entry_point_is_a_list_and_one_only():  # DL3025, DL4004
    (entry,) = texts("ENTRYPOINT")

    assert json.loads(entry) == ["/opt/worker/bin/python", "/app/runpod_handler.py"]


def test_no_secret_is_in_a_layer():
    assert not any(re.search(r"(KEY|TOKEN|SECRET)\w*=", text) for text in [*texts("ENV"), *texts("ARG")])
    model = STEPS[place_of("RUN", "hf download")].text
    assert model.startswith("--mount=type=secret,id=hf_token")


def test_the_models_layer_stands_before_the_code_and_outside_the_volume():
    assert place_of("RUN", "hf download") < place_of("COPY", "voice")
    assert "/runpod-volume" not in " ".join(texts("RUN"))


def test_nothing_is_fetched_or_reported_at_run_time_and_callers_words_are_not_logged():
    env = env_of_image()

    assert {env["HF_HUB_OFFLINE"], env["TRANSFORMERS_OFFLINE"], env["VLLM_NO_USAGE_STATS"]} == {"1"}
    assert env["RUNPOD_LOG_LEVEL"] == "INFO"


@pytest.mark.parametrize("text", texts("RUN"), ids=lambda text: text.split()[-1])
def test_the_shell_understands_every_command(text: str):
    command = re.sub(r"^--mount=\S+\s*", "", text)

    checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)

    assert checked.stderr == ""


@pytest.mark.parametrize("name", ["", "maple/jamie-8b"])
def test_the_models_step_fetches_what_is_named_with_the_secret_and_nothing_without_a_name(
    tmp_path: Path, name: str
):
    step = re.sub(r"^--mount=\S+\s*", "", STEPS[place_of("RUN", "hf download")].text)
    step = step.replace("/models", f"{tmp_path}/models").replace("/run/secrets", f"{tmp_path}/secrets")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/hf_token").write_text("hf_secret", encoding="utf-8")
    (tmp_path / "hf").write_text(f'#!/bin/sh\necho "$HF_TOKEN $*" > {tmp_path}/asked\n', encoding="utf-8")
    (tmp_path / "hf").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MODEL_NAME": name, "MODEL_REVISION": "main"}

    subprocess.run(["bash", "-o", "pipefail", "-c", step], env=env, check=True)

    assert (tmp_path / "models").is_dir()
    asked = (tmp_path / "asked").read_text() if (tmp_path / "asked").exists() else ""
    wanted = f"hf_secret download {name} --revision main --local-dir {tmp_path}/models/{name}\n"
    assert asked == (wanted if name else "")


def test_the_images_own_settings_start_vllm_with_the_baked_model(tmp_path: Path):
    ours = {env_name(field): field for field in Settings.model_fields}
    given = {ours[name]: value for name, value in env_of_image().items() if name in ours}
    given |= {"model": str(tmp_path), "llm_model": "jamie"}

    engine = engine_from(load_settings(tmp_path, **given))

    assert type(engine).__name__ == "ModelServer"
    assert engine.models == ("jamie",)


# What is copied


def test_all_that_is_copied_is_let_into_the_build():
    allowed = [line[1:] for line in IGNORED.read_text().splitlines() if line.startswith("!")]

    assert all(any(fnmatch(source, pattern) for pattern in allowed) for source, _ in copied())
    assert all((ROOT / source).exists() for source, _ in copied())


def requirements() -> set[str]:
    lines = (HUB / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_the_workers_environment_has_all_that_the_worker_imports():
    reached = {*reached_from("runpod_handler"), "voice.engines.onnx_child", "voice.engines.smoke"}
    files = {file for name in reached if (file := file_of(name)) is not None}
    names = {name.split(".")[0] for file in files for name in imports_of(file)}
    foreign = {name for name in names if name not in sys.stdlib_module_names} - {"voice", "runpod_handler"}

    needed = {DISTRIBUTIONS.get(name, name) for name in foreign - ELSEWHERE}

    assert needed - requirements() - {"typing_extensions"} == set()


@pytest.mark.slow
def test_what_is_copied_passes_the_smoke_test_of_the_build(tmp_path: Path):
    for source, target in copied():
        at, to = ROOT / source, tmp_path / target
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(at, to, ignore=ignored) if at.is_dir() else shutil.copy(at, to)
    env = {"PATH": os.environ["PATH"], "OFFHOOK_ENGINE": "onnx"}

    answered = subprocess.run(
        [sys.executable, "-m", "voice.engines.smoke"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answered.returncode, answered.stderr) == (0, "")
    assert answered.stdout == "embedded answered 5 jobs; its chat template shows it no tools\n"


def test_a_worker_without_its_model_fails_the_build(tmp_path: Path):
    env = {"PATH": os.environ["PATH"], "OFFHOOK_ENGINE": "onnx", "OFFHOOK_MODEL": str(tmp_path)}

    failed = subprocess.run(
        [sys.executable, "-m", "voice.engines.smoke"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert failed.returncode == 1
    assert "cannot be used" in failed.stderr


# The hub


def read(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((HUB / name).read_text(encoding="utf-8"))
    return told


def test_the_hub_finds_the_files_it_looks_for():
    assert (HUB / "Dockerfile").resolve() == DOCKERFILE
    assert (HUB / "handler.py").resolve() == ROOT / "runpod_handler.py"
    assert (ROOT / "README.md").is_file()


def test_the_hubs_page_has_the_shape_that_the_hub_reads():
    page = read("hub.json")
    config = page["config"]

    assert {"title", "description", "type", "category", "config"} <= page.keys()
    assert (page["type"], page["category"]) == ("serverless", "language")
    assert config["runsOn"] == "GPU"
    assert config["containerDiskInGb"] > 0
    pools = {"AMPERE_16", "AMPERE_24", "ADA_24", "AMPERE_48", "ADA_48_PRO", "AMPERE_80", "ADA_80_PRO"}
    assert {*config["gpuIds"].split(",")} <= pools | {"HOPPER_141"}


@pytest.mark.parametrize("entry", read("hub.json")["config"]["env"], ids=lambda entry: entry["key"])
def test_every_setting_of_the_hub_is_one_of_ours_with_an_allowed_default(entry: dict[str, Any]):
    given, settings = entry["input"], {env_name(field): field for field in Settings.model_fields}

    assert given["type"] in {"string", "number", "boolean", "huggingface"}
    assert {"name", "description"} <= given.keys()
    values = [one["value"] for one in given.get("options", [])] or [given["default"]]
    assert given["default"] in values
    for value in values:
        field = settings[entry["key"]]
        assert value == "" or getattr(load_settings(ROOT / "docs", **{field: value}), field) == value


def test_presets_set_only_what_the_page_asks_for():
    config = read("hub.json")["config"]
    asked = {entry["key"] for entry in config["env"]}

    assert all(preset["defaults"].keys() <= asked and preset["name"] for preset in config["presets"])


@pytest.mark.parametrize("one", read("tests.json")["tests"], ids=lambda one: one["name"])
def test_every_test_of_the_hub_is_a_job_that_we_take(one: dict[str, Any]):
    assert one.keys() == {"name", "input", "timeout"}
    assert one["timeout"] >= 1000
    parse_job(one["input"])


def test_the_hub_tests_on_a_named_gpu_with_settings_of_ours():
    config = read("tests.json")["config"]

    assert config["gpuTypeId"].startswith("NVIDIA ")
    assert {entry["key"] for entry in config["env"]} <= {env_name(field) for field in Settings.model_fields}


def test_the_parser_joins_lines_and_leaves_comments_out(tmp_path: Path):
    path = tmp_path / "Dockerfile"
    path.write_text("# a\nFROM x:1\nRUN a && \\\n    # why\n    b\n", encoding="utf-8")

    assert steps_of(path) == [Step("FROM", "x:1"), Step("RUN", "a &&      b")]
