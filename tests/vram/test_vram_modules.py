"""Any module: transformers' own classes on meta, an encoder and decoder, images and sound."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from vram import estimate
from vram.persistent import training_bytes

IDS = torch.empty(2, 32, dtype=torch.int64, device="meta")


def made(name: str, config: str, **settings: Any) -> nn.Module:
    """A small model of transformers on meta."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        model: nn.Module = getattr(transformers, name)(getattr(transformers, config)(**settings))
    return model


def t5() -> nn.Module:
    sizes = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4}
    return made("T5ForConditionalGeneration", "T5Config", vocab_size=100, **sizes)


def vit() -> nn.Module:
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    settings = {"intermediate_size": 128, "image_size": 32, "patch_size": 8, "num_labels": 10}
    return made("ViTForImageClassification", "ViTConfig", **sizes, **settings)


def whisper() -> nn.Module:
    sizes = {"d_model": 64, "encoder_layers": 2, "decoder_layers": 2, "vocab_size": 100}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_mel_bins": 8}
    widths = {"encoder_ffn_dim": 128, "decoder_ffn_dim": 128, "max_source_positions": 16}
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    return made(
        "WhisperForConditionalGeneration", "WhisperConfig", **sizes, **heads, **widths, **tokens
    )


MODULES: dict[str, tuple[Any, dict[str, Tensor]]] = {
    "t5": (t5, {"input_ids": IDS, "decoder_input_ids": IDS}),
    "vit": (vit, {"pixel_values": torch.empty(2, 3, 32, 32, device="meta")}),
    "whisper": (
        whisper,
        {"input_features": torch.empty(2, 8, 32, device="meta"), "decoder_input_ids": IDS},
    ),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.filterwarnings("ignore")
def test_a_module_of_any_inputs_is_answered(name: str) -> None:
    """Its parameters, states and activations are counted, and all of it adds up."""
    make, inputs = MODULES[name]
    module = make()
    found = estimate(module, inputs=inputs)
    trained = training_bytes(module).total
    assert 0.9 * trained < found.persistent_bytes <= trained  # what forward does not use has none
    assert sum(part.bytes for part in found.parts) == found.high_bytes
    twice = {name: torch.cat([t, t]) for name, t in inputs.items()}
    more = estimate(module, inputs=twice)
    assert more.activation_bytes > 1.5 * found.activation_bytes > 0
    checkpointed = estimate(module, inputs=inputs, checkpoint=True)
    assert checkpointed.activation_bytes < found.activation_bytes


def test_inputs_and_loss_of_a_plain_module() -> None:
    """A tensor, a sequence or a mapping are the arguments; the loss reads what is returned."""
    module = nn.Bilinear(4, 6, 8, device="meta")
    one, other = torch.empty(5, 4, device="meta"), torch.empty(5, 6, device="meta")
    answers = [
        estimate(module, inputs=(one, other)),
        estimate(module, inputs={"input1": one, "input2": other}),
        estimate(module, inputs=(one, other), loss=lambda out: out.float().mean()),
    ]
    assert answers[0] == answers[1] == answers[2]
    pair = estimate(nn.LSTM(4, 4, device="meta"), inputs=one, loss=lambda out: out[0].sum())
    assert pair.persistent_bytes > 0
    with pytest.raises(ValueError, match="inputs are of a module's own"):
        estimate("gpt2", inputs=one)
