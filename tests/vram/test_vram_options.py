"""Options as people type them become the command's own, or a line that says what to type."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vram.options import canonical


@pytest.mark.parametrize(
    ("typed", "own"),
    [
        ("m --batch-size 4 --seq-len 128", "m --batch 4 --seq 128"),
        ("m --per_device_train_batch_size=4", "m --batch 4"),
        ("m --max_seq_length 512 --gradient_checkpointing", "m --seq 512 --checkpoint"),
        ("m --qlora", "m --nf4 --lora 16"),
        ("m --qlora 8 --gpu T4", "m --nf4 --lora 8 --gpu T4"),
        ("m --lora --checkpoint", "m --lora 16 --checkpoint"),
        ("m --lora -3", "m --lora -3"),
        ("m --lora_r 8 --load_in_4bit", "m --lora 8 --nf4"),
        ("--model_name_or_path m", "m"),
        ("m --optim adamw_torch", "m --optimizer adamw"),
        ("m --optim=adamw_torch_fused", "m --optimizer adamw --implementation fused"),
        ("m --optimizer adamw_bnb_8bit", "m --optimizer adamw8bit"),
        ("m --optimizer torch.optim.AdamW", "m --optimizer adamw"),
        ("m --optimizer Adafactor", "m --optimizer adafactor"),
        ("m --optimizer adamw8bit-torchao", "m --optimizer adamw8bit-torchao"),
        ("m --dtype torch.bfloat16", "m --dtype bfloat16"),
        ("m --attn_implementation flash_attention_2", "m --attention flash"),
        ("m --json --zero-stage 2", "m --format json --stage 2"),
        ("m --batch -3 --gpu 'A100 80GB'", "m --batch -3 --gpu 'A100 80GB'"),
        ("m --unheard-of 1", "m --unheard-of 1"),
    ],
)
def test_other_tools_words_are_the_commands(typed: str, own: str) -> None:
    """Hugging Face's, PEFT's and DeepSpeed's options have the command's names for the same."""
    assert canonical(shlex.split(typed)) == shlex.split(own)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("m --rank 16", "--lora N for adapters of rank N, or --ranks N"),
        ("m --bf16", "--dtype bf16 for weights in bf16, or --autocast bf16"),
        ("m --num-gpus 8", "--ranks N"),
    ],
)
def test_what_could_mean_two_things_is_asked(typed: str, told: str) -> None:
    """An option that other tools use in two ways is told with both."""
    with pytest.raises(ValueError, match=r".") as refusal:
        canonical(shlex.split(typed))
    assert told in str(refusal.value)


@given(st.lists(st.sampled_from(["gpt2", "--batch", "2", "--gpu", "T4", "--nf4", "--ranks"])))
def test_the_commands_own_words_stay(words: list[str]) -> None:
    """What is canonical already is left as it is."""
    assert canonical(words) == words
