"""Makes a tiny Llama with random weights, for tests of engines that read Hugging Face's folders.

    python -m tests.voice.engines.tiny_llama FOLDER

It has the packaged model's tokenizer and its marks. What it writes means nothing; how it is written,
counted and stopped is the same as with any other. Needs torch and transformers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

WEIGHTS = Path(__file__).parents[3] / "voice/engines/weights"
CONTEXT = 1024  # tokens, as the packaged model


def make(folder: Path) -> None:
    """Write the model and its tokenizer into `folder`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    template = (WEIGHTS / "tokenizer_config.json").read_text(encoding="utf-8")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(WEIGHTS / "tokenizer.json"), eos_token="<|end|>")
    tokenizer.chat_template = json.loads(template)["chat_template"]
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make_adapter(model: Path, folder: Path) -> None:
    """Write a LoRA adapter with random weights for `model` into `folder`. Needs peft."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(8)
    config = LoraConfig(r=8, target_modules=["q_proj", "v_proj", "o_proj"], init_lora_weights=False)
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32), config)
    adapted.save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
