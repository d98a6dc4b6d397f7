"""Training, export and evaluation, with a model so small that it learns nothing."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from voice.errors import SetupError
from voice.training.export import export
from voice.training.rows import NOT_LEARNED, PADDING, ROW_TOKENS, row
from voice.training.tokenizer import make_tokenizer, need
from voice.training.train import STATE, Progress, Shape, _rate, load_encoder, train

WEIGHTS = Path(__file__).parents[3] / "voice/engines/weights"
TINY = Shape(layers=1, hidden=64, inner=64, heads=2, kv_heads=1)
SEED = 5
STEP_TOKENS = 4 * ROW_TOKENS

needs_torch = pytest.mark.skipif(
    any(
        importlib.util.find_spec(name) is None for name in ("torch", "transformers", "tokenizers", "onnx_ir")
    ),
    reason='needs the extra: .venv/bin/pip install -e ".[train]"',
)
mind_no_warnings = pytest.mark.filterwarnings("ignore")  # torch and the model builder warn about themselves

KILLED = """
import os, signal, sys
from pathlib import Path
from voice.training.train import Shape, train

def die(progress):
    if progress.step == 3:
        os.kill(os.getpid(), signal.SIGKILL)

train(Path(sys.argv[1]), seed=5, tokens=6 * 4 * 640, checkpoint_every_s=0.0, progress=die, threads=1,
      shape=Shape(layers=1, hidden=64, inner=64, heads=2, kv_heads=1))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose tokenizer is made from few dialogues, to be quick."""
    make_tokenizer(tmp_path / "run", seed=SEED, sample=150)
    return tmp_path / "run"


def test_a_missing_extra_is_one_line_with_the_command():
    says = r'^training needs not_there: \.venv/bin/pip install -e "\.\[train\]"$'
    with pytest.raises(SetupError, match=says):
        need("not_there.anywhere")


def test_an_export_without_a_checkpoint_says_what_to_run(tmp_path: Path):
    with pytest.raises(SetupError, match="offhook model train"):
        export(tmp_path, tmp_path / "out")


def test_a_chat_is_rendered_with_its_roles_and_without_outer_spaces(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")  # read at the first import
    import onnxruntime_genai as og

    tokenizer = og.Tokenizer(og.Model(str(WEIGHTS)))
    chat = [{"role": "system", "content": " Be brief.\n"}, {"role": "user", "content": "Hi"}]

    rendered = tokenizer.apply_chat_template(json.dumps(chat), add_generation_prompt=True)

    assert rendered == "<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>"


def test_the_learning_rate_rises_stands_and_falls():
    assert _rate(0, 0.0) < 0.02
    assert _rate(500, 0.3) == 1.0
    assert _rate(500, 0.75) < 0.6
    assert _rate(500, 1.0) == pytest.approx(0.03)


@needs_torch
@mind_no_warnings
def test_a_row_is_full_and_only_the_agents_words_are_learned(folder: Path):
    encoder = load_encoder(folder)

    made = row(encoder, SEED, 40)

    assert len(made.tokens) == len(made.part) == len(made.position) == len(made.target) == ROW_TOKENS
    assert made == row(encoder, SEED, 40)
    learned = [at for at, target in enumerate(made.target) if target != NOT_LEARNED]
    assert learned
    assert all(
        made.target[at] == made.tokens[at + 1] and made.part[at] == made.part[at + 1] for at in learned
    )
    assert all(made.target[at] == NOT_LEARNED for at, part in enumerate(made.part) if part == PADDING)
    firsts = [at for at in learned if at - 1 not in learned]
    assert all(made.tokens[at] == encoder.assistant for at in firsts)


@needs_torch
@mind_no_warnings
def test_the_tokenizer_spells_digits_and_is_the_same_each_time(folder: Path, tmp_path: Path):
    again = make_tokenizer(tmp_path / "again", seed=SEED, sample=150)

    assert again.read_bytes() == (folder / "tokenizer.json").read_bytes()
    encoder = load_encoder(folder)
    digits = {ids for digit in "0123456789" for ids in encoder.text(digit)}
    assert len([each for each in encoder.text("unit 1225C") if each in digits]) == 4


@pytest.mark.slow
@needs_torch
@mind_no_warnings
def test_a_killed_run_goes_on_from_its_checkpoint_as_if_nothing_had_happened(folder: Path, tmp_path: Path):
    import shutil

    import torch

    whole = tmp_path / "whole"
    shutil.copytree(folder, whole)
    train(whole, seed=SEED, tokens=6 * STEP_TOKENS, shape=TINY, threads=1)
    killed = subprocess.run([sys.executable, "-W", "ignore", "-c", KILLED, str(folder)], check=False)
    steps: list[int] = []

    def note(progress: Progress) -> None:
        steps.append(progress.step)

    train(
        folder,
        seed=SEED,
        tokens=6 * STEP_TOKENS,
        shape=TINY,
        threads=1,
        checkpoint_every_s=0.0,
        progress=note,
    )

    assert killed.returncode == -9
    assert steps == [4, 5, 6]
    one, other = (torch.load(each / STATE, weights_only=True) for each in (whole, folder))
    for name, tensor in one["model"].items():
        assert torch.allclose(tensor, other["model"][name], atol=1e-5), name


@needs_torch
@mind_no_warnings
def test_a_folder_with_another_run_is_refused(folder: Path):
    train(folder, seed=SEED, tokens=STEP_TOKENS, shape=TINY, threads=1)

    with pytest.raises(SetupError, match="another seed or shape"):
        train(folder, seed=SEED + 1, tokens=STEP_TOKENS, shape=TINY, threads=1)


@needs_torch
@mind_no_warnings
def test_an_export_can_be_loaded_and_keeps_the_model_card(folder: Path, tmp_path: Path):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "MODEL_CARD.md").write_text("ours\n")
    (weights / "old.onnx").write_text("theirs\n")
    train(folder, seed=SEED, tokens=90 * STEP_TOKENS, shape=TINY, threads=1)  # enough to write words

    answer = export(folder, weights)

    assert answer
    names = {each.name for each in weights.iterdir()}
    assert {
        "genai_config.json",
        "model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
        "MODEL_CARD.md",
    } <= names
    assert "old.onnx" not in names
    assert "chat_template" in json.loads((weights / "tokenizer_config.json").read_text())
    assert json.loads((weights / "genai_config.json").read_text())["search"]["do_sample"] is False
