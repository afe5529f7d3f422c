"""config.json of nine kinds of model: the shape it describes, or what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from vram import build, parameters
from vram.cli import main
from vram.config import shape_of_config
from vram.kinds import KINDS
from vram.names import shape_of
from vram.shapes import BertShape, DecoderShape, GPT2Shape

SIZES = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "vocab_size": 100,
}
MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48}
MORE: dict[str, dict[str, Any]] = {
    "mistral": {"num_key_value_heads": 2},
    "mixtral": {"num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen2_moe": {**MOE, "shared_expert_intermediate_size": 80},
    "qwen3": {"head_dim": 16},
    "qwen3_moe": {**MOE, "head_dim": 16},
    "gemma3_text": {"head_dim": 16, "num_key_value_heads": 2},
    "bert": {"max_position_embeddings": 32},
    "roberta": {"max_position_embeddings": 34},
    "xlm-roberta": {"max_position_embeddings": 34},
}
GPT2 = {"n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 100, "n_positions": 32}


def config_of(kind: str) -> dict[str, Any]:
    """The smallest sensible file of a kind: what it needs, and no more."""
    return {"model_type": kind, **(GPT2 if kind == "gpt2" else {**SIZES, **MORE.get(kind, {})})}


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_answers_for_a_file_of_each_kind(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path to config.json, or to its directory, stands where a name does."""
    (tmp_path / "config.json").write_text(json.dumps(config_of(kind)))
    answers = []
    for path in (tmp_path, tmp_path / "config.json"):
        assert main([str(path), "--seq", "16", "--format", "json"]) == 0, capsys.readouterr().err
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert answers[0]["parameters"] == parameters(build(shape_of_config(config_of(kind))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_is_missing_is_named(kind: str) -> None:
    """Each key that a kind needs is asked for by its name."""
    whole = config_of(kind)
    for key in KINDS[kind].needed:
        with pytest.raises(ValueError, match=f"a {kind} needs the key '{key}'"):
            shape_of_config({name: value for name, value in whole.items() if name != key})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "model_type None is not modelled; modelled: llama"),
        ('{"model_type": "t5"}', "model_type 't5' is not modelled"),
        ('{"model_type": ["llama"]}', "is not modelled"),
    ],
)
def test_a_file_that_is_no_config_says_so(text: str, message: str, tmp_path: Path) -> None:
    """Broken JSON, and a model of another kind, are one line that names the file."""
    file = tmp_path / "config.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"config\.json") as refusal:
        shape_of(str(file))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": "64"}, "hidden_size must be a positive whole number: '64'"),
        ({"hidden_size": -64}, "hidden_size must be a positive whole number: -64"),
        ({"num_hidden_layers": True}, "num_hidden_layers must be a positive whole number: True"),
        ({"num_key_value_heads": "two"}, "kv_heads must be a positive integer: 'two'"),
        ({"rope_theta": [1]}, "a value of this llama is of a wrong type"),
        ({"partial_rotary_factor": 2}, "partial_rotary_factor must lie between 0 and 1: 2"),
        ({"num_key_value_heads": 3}, "heads 4 is not a multiple of kv_heads 3"),
        ({"hidden_act": "relu"}, "hidden_act 'relu' of a llama is not modelled, only 'silu'"),
        ({"quantization_config": {"quant_method": "awq"}}, "quantised (awq)"),
        ({"rope_theta": "high"}, "could not convert string to float"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(change: dict[str, Any], message: str) -> None:
    """A wrong type, a shape that does not divide, and what is not modelled are ValueErrors."""
    with pytest.raises(ValueError, match=r".") as refusal:
        shape_of_config({**config_of("llama"), **change})
    assert message in str(refusal.value)


def test_a_directory_without_a_config_is_a_name(tmp_path: Path, monkeypatch: Any) -> None:
    """A directory called gpt2 does not hide the model; a file that is not there is one line."""
    (tmp_path / "gpt2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert isinstance(shape_of("gpt2"), GPT2Shape)
    with pytest.raises(ValueError, match="No such file"):
        shape_of("gpt2/config.json")


def test_a_null_is_not_a_missing_key() -> None:
    """Mistral's window is 4096 tokens where the file has none, and none where it says null."""
    mistral = config_of("mistral")
    windows = [shape_of_config(c).window for c in (mistral, {**mistral, "sliding_window": None})]
    assert windows == [4096, None]


def test_a_multimodal_file_is_its_text_model() -> None:
    """Gemma 3's file has the text model's keys inside, with defaults left out."""
    inner = {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "head_dim": 16}
    shape = shape_of_config({"model_type": "gemma3", "text_config": inner, "vision_config": {}})
    assert isinstance(shape, DecoderShape)
    assert (shape.heads, shape.kv_heads, shape.vocabulary, shape.head_norms) == (
        8,
        4,
        262_208,
        True,
    )


def test_rope_parameters_of_transformers_5_are_read() -> None:
    """The angle's base stands in rope_parameters since transformers 5."""
    shape = shape_of_config({**config_of("llama"), "rope_parameters": {"rope_theta": 5e5}})
    assert shape.rope_theta == 5e5


def test_a_classifier_has_labels_in_place_of_words() -> None:
    """architectures decides BERT's head: a classifier's output is small."""
    classifier = {**config_of("bert"), "architectures": ["BertForSequenceClassification"]}
    shape = shape_of_config({**classifier, "id2label": {"0": "a", "1": "b", "2": "c"}})
    assert isinstance(shape, BertShape)
    assert shape.labels == 3
    assert parameters(build(shape)) == parameters(build(shape_of_config(classifier))) + 65
