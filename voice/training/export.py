"""Turns a checkpoint into the folder that the embedded engine loads.

PyTorch weights → a Hugging Face folder → ONNX with int4 weights, by the model builder of
onnxruntime-genai. The result is loaded and asked once before it takes the old one's place.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from voice.errors import SetupError
from voice.training.tokenizer import need
from voice.training.train import STATE
from voice.training.writer import Writer, runtime

PRECISION = "int4"
OPTIONS = ("int4_block_size=32", "int4_accuracy_level=4")  # 4: multiply in int8, the fastest on CPUs
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
SEARCH = {"max_length": 1024, "do_sample": False, "temperature": 0.3, "top_p": 0.95, "top_k": 50}
KEPT = ("MODEL_CARD.md", "README.md")  # written by people: an export leaves them in place
CHECKED_WITH = "My AC is broken."


def export(checkpoint_dir: Path, out_dir: Path, *, precision: str = PRECISION) -> str:
    """Write the model folder and return what the model answers to a test message.

    Raises SetupError when there is no checkpoint, when the extra `train` is missing, or when the
    exported model does not write; `out_dir` is then as it was.
    """
    if not (checkpoint_dir / STATE).exists():
        raise SetupError(f"no checkpoint in {checkpoint_dir}: run `offhook model train` first")
    with tempfile.TemporaryDirectory(prefix="offhook-export-") as scratch:
        plain, built = Path(scratch) / "plain", Path(scratch) / "built"
        save_plain(checkpoint_dir, plain)
        _build(plain, built, Path(scratch) / "cache", precision)
        _settle(checkpoint_dir, built)
        answer = Writer(built).reply([{"role": "user", "content": CHECKED_WITH}]).text
        if not answer:
            raise SetupError("the exported model wrote nothing: train longer, or export another checkpoint")
        _put(built, out_dir)
    return answer


def save_plain(checkpoint_dir: Path, out_dir: Path) -> None:
    """The checkpoint as a Hugging Face folder with weights in float32."""
    torch, transformers = need("torch"), need("transformers")
    state = torch.load(checkpoint_dir / STATE, weights_only=True)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**state["config"]))
    model.load_state_dict(state["model"])
    with quiet():
        model.save_pretrained(out_dir)
    for name in TOKENIZER_FILES:
        shutil.copy(checkpoint_dir / name, out_dir / name)


def _build(plain: Path, built: Path, cache: Path, precision: str) -> None:
    need("onnx_ir")
    runtime()
    builder = need("onnxruntime_genai.models.builder")
    where = ("", str(plain), str(built), precision, "cpu", str(cache))
    with quiet():
        options = builder.parse_extra_options(*where, list(OPTIONS) if precision == "int4" else [])
        builder.create_model(*where, **options)


def _settle(checkpoint_dir: Path, built: Path) -> None:
    """Our own tokenizer files and search defaults in place of the builder's."""
    for name in TOKENIZER_FILES:
        shutil.copy(checkpoint_dir / name, built / name)
    (built / "chat_template.jinja").unlink(missing_ok=True)  # it is in tokenizer_config.json
    path = built / "genai_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["search"].update(SEARCH)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the builder's progress bars and per-matrix log lines off the terminal."""
    level = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(level)


def _put(built: Path, out_dir: Path) -> None:
    """Move the new files in; those that are ours to keep stay."""
    out_dir.mkdir(parents=True, exist_ok=True)
    for old in out_dir.iterdir():
        if old.is_file() and old.name not in KEPT:
            old.unlink()
    for new in built.iterdir():
        shutil.copy(new, out_dir / new.name)
