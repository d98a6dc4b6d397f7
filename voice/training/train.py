"""Trains the small model on dialogues written from a seed.

A run can be killed at any moment: the last checkpoint is whole, and `train()` goes on
from it with the same rows, the same optimizer state and the same random numbers. The
learning rate follows the share of the run that is done, in tokens or in minutes,
whichever is further.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from voice.errors import SetupError
from voice.training.rows import NOT_LEARNED, PADDING, PROMPT, ROW_TOKENS, Encoder, Row, row
from voice.training.tokenizer import make_tokenizer, need

SEED = 20261121
TOKENS = 10_000_000  # about 70 minutes on two cores that others use, too
CHECKPOINT_EVERY_S = 150.0
TOLD_EVERY = 10  # steps
PEAK_RATE = 1.6e-3
LAST_RATE = 0.03  # of the peak
WARM_UP_STEPS = 120
DECAY_FROM = 0.55  # of the run; before, the rate stands
WEIGHT_DECAY = 0.1
CLIP_NORM = 1.0
BLOCK = 32  # of the int4 export
BATCH_ROWS = 4
HELD_OUT_ROWS = 12
ATTENTION = "offhook"
STATE, LOG = "state.pt", "log.jsonl"
SHAPED_BY = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers"),
    *("num_attention_heads", "num_key_value_heads"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """The model's measures. All divide by 32, the block of the int4 export."""

    layers: int = 6
    hidden: int = 256
    inner: int = 768
    heads: int = 8
    kv_heads: int = 4
    context: int = 1024


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `eta_s` is what is left at the present speed."""

    step: int
    tokens: int
    loss: float
    tokens_per_s: float
    eta_s: float
    held_out_loss: float | None = None


@dataclass(slots=True)
class _Run:
    """What a checkpoint holds besides the weights. `spent_s` counts over all resumed parts."""

    seed: int
    step: int = 0
    tokens: int = 0
    spent_s: float = 0.0


def train(
    out_dir: Path,
    *,
    seed: int = SEED,
    minutes: float | None = None,
    tokens: int = TOKENS,
    resume: bool = True,
    shape: Shape | None = None,
    progress: Callable[[Progress], None] | None = None,
    threads: int | None = None,
    checkpoint_every_s: float = CHECKPOINT_EVERY_S,
) -> Path:
    """Train until `tokens` are read or `minutes` are spent; returns the checkpoint's folder.

    Without `resume` an earlier run in `out_dir` is begun anew. Raises SetupError when the
    extra `train` is missing, or `out_dir` holds a run of another seed or shape.
    """
    torch = need("torch")
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(seed)
    out_dir.mkdir(parents=True, exist_ok=True)
    for old in () if resume else (STATE, LOG):
        (out_dir / old).unlink(missing_ok=True)
    if not resume or not (out_dir / "tokenizer.json").exists():
        make_tokenizer(out_dir, seed=seed)
    encoder = load_encoder(out_dir)
    model = new_model(shape or Shape(), encoder.vocabulary)
    optimizer = _optimizer(torch, model)
    run = _load(torch, out_dir / STATE, model, optimizer, seed)
    held_out = [row(encoder, seed + 1, number, "held_out") for number in range(HELD_OUT_ROWS)]
    began, spent_before, tokens_before, saved_at = time.monotonic(), run.spent_s, run.tokens, 0.0
    losses: list[float] = []
    done = _share_done(run, minutes, tokens)
    while done < 1.0:
        for group in optimizer.param_groups:
            group["lr"] = PEAK_RATE * _rate(run.step, done)
        batch = [row(encoder, seed, run.step * BATCH_ROWS + each) for each in range(BATCH_ROWS)]
        losses.append(_learn(torch, model, optimizer, batch))
        run.step, run.tokens = run.step + 1, run.tokens + BATCH_ROWS * ROW_TOKENS
        spent_s = time.monotonic() - began
        run.spent_s = spent_before + spent_s
        done = _share_done(run, minutes, tokens)
        due = spent_s - saved_at >= checkpoint_every_s or done >= 1.0
        if due:
            save(torch, out_dir, model, optimizer, run)
            saved_at = time.monotonic() - began
        if due or run.step % TOLD_EVERY == 0:
            loss = sum(losses) / len(losses)
            losses.clear()
            speed = (run.tokens - tokens_before) / max(spent_s, 1e-6)
            eta_s = run.spent_s / done * max(1.0 - done, 0.0)
            unseen = loss_of(model, held_out) if due else None
            _tell(out_dir, Progress(run.step, run.tokens, loss, speed, eta_s, unseen), progress)
    return out_dir


def new_model(shape: Shape, vocabulary: int) -> Any:
    """An untrained Llama of this shape, its input and output words tied."""
    transformers = need("transformers")
    config = transformers.LlamaConfig(
        vocab_size=-(-vocabulary // BLOCK) * BLOCK,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.hidden // shape.heads,
        max_position_embeddings=shape.context,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    model = transformers.LlamaForCausalLM(config)
    transformers.AttentionInterface.register(ATTENTION, _attend)
    model.set_attn_implementation(ATTENTION)
    return model


def _attend(
    module: Any, query: Any, key: Any, value: Any, mask: Any, scaling: float = 1.0, **_: Any
) -> tuple[Any, None]:
    """Attention as three plain steps, in the precision of its inputs.

    torch's fused kernel takes half of a step's time on a CPU when it is given a mask; this takes a fifth.
    """
    torch = need("torch")
    batch, heads, size, width = query.shape
    groups = key.shape[1]
    flat = (batch * heads, size, width)
    key, value = (
        each[:, :, None].expand(batch, groups, heads // groups, size, width).reshape(flat)
        for each in (key, value)
    )
    bias = mask.expand(batch, heads, size, size).reshape(-1, size, size)
    scores = torch.baddbmm(bias, query.reshape(flat), key.transpose(1, 2), alpha=scaling)
    with torch.autocast("cpu", enabled=False):  # it would turn the largest table of all into float32
        weights = torch.softmax(scores, -1)
    found = torch.bmm(weights, value)
    return found.view(batch, heads, size, width).transpose(1, 2).contiguous(), None


def load_encoder(folder: Path) -> Encoder:
    """The encoder of a checkpoint's or a model's folder."""
    return Encoder(need("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json")))


def _optimizer(torch: Any, model: Any) -> Any:
    matrices = [each for each in model.parameters() if each.dim() >= 2]
    others = [each for each in model.parameters() if each.dim() < 2]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.97), eps=1e-8, fused=True)


def _share_done(run: _Run, minutes: float | None, tokens: int) -> float:
    by_time = run.spent_s / (minutes * 60.0) if minutes else 0.0
    return max(by_time, run.tokens / max(tokens, 1))


def _rate(step: int, done: float) -> float:
    """The learning rate as a share of its peak: up, level, down."""
    up = min(1.0, (step + 1) / WARM_UP_STEPS)
    down = 1.0 if done < DECAY_FROM else 1.0 - (1.0 - LAST_RATE) * (done - DECAY_FROM) / (1.0 - DECAY_FROM)
    return up * down


def forward(torch: Any, model: Any, rows: list[Row]) -> Any:
    """The mean loss over everything to be learned in the rows."""
    tokens, part, position, target = (
        torch.tensor([getattr(each, name) for each in rows])
        for name in ("tokens", "part", "position", "target")
    )
    size = tokens.shape[1]
    same = part[:, :, None] == part[:, None, :]
    prompt = (part == PROMPT)[:, None, :] & (part != PADDING)[:, :, None]
    seen = (same | prompt) & torch.ones(size, size, dtype=torch.bool).tril()
    fast = _has_bf16(torch)
    kind = torch.bfloat16 if fast else torch.float32
    mask = torch.zeros(seen.shape, dtype=kind).masked_fill(~seen, torch.finfo(kind).min)[:, None]
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
        hidden = model.model(input_ids=tokens, attention_mask=mask, position_ids=position, use_cache=False)[0]
        learned = target != NOT_LEARNED
        logits = model.lm_head(hidden[learned])
    return torch.nn.functional.cross_entropy(logits.float(), target[learned])


def _has_bf16(torch: Any) -> bool:
    """Whether the processor multiplies in bfloat16: twice the speed where it does, slower where not."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def _learn(torch: Any, model: Any, optimizer: Any, batch: list[Row]) -> float:
    loss = forward(torch, model, batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def loss_of(model: Any, rows: list[Row]) -> float:
    """Loss per token over the rows, without learning from them."""
    torch = need("torch")
    with torch.no_grad():
        losses = [
            float(forward(torch, model, rows[at : at + BATCH_ROWS])) for at in range(0, len(rows), BATCH_ROWS)
        ]
    return sum(losses) / len(losses)


def save(torch: Any, out_dir: Path, model: Any, optimizer: Any, run: _Run) -> None:
    """Write the checkpoint beside the old one, then put it in its place at once."""
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": torch.get_rng_state(),
        "config": model.config.to_dict(),
        "run": asdict(run),
    }
    beside = out_dir / f"{STATE}.new"
    with beside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(out_dir / STATE)


def _load(torch: Any, path: Path, model: Any, optimizer: Any, seed: int) -> _Run:
    """The run a checkpoint belongs to, or a fresh one."""
    if not path.exists():
        return _Run(seed)
    state = torch.load(path, weights_only=True)
    run = _Run(**state["run"])
    now = model.config.to_dict()
    if run.seed != seed or any(state["config"][each] != now[each] for each in SHAPED_BY):
        raise SetupError(f"{path.parent} holds a run of another seed or shape: name another folder")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    return run


def _tell(out_dir: Path, told: Progress, progress: Callable[[Progress], None] | None) -> None:
    with (out_dir / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps(asdict(told)) + "\n")
    if progress:
        progress(told)
