"""Names of models: every row by each of its names, and no name to a wrong row."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vram import build, parameters
from vram.names import KNOWN, MODELS, model_named, shape_of
from vram.shapes import DecoderShape

SPELLINGS = {
    "llama-7b": ["LLaMA-7B", "llama 7b", "meta-llama/Llama-2-7b-hf", "Llama-2-7b-chat-hf"],
    "llama-3.1-8b": [
        *("meta-llama/Llama-3.1-8B-Instruct", "Meta-Llama-3-8B-Instruct", "llama3:8b"),
        *("llama3.1-8b", "Llama 3 8B", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"),
    ],
    "llama-3.1-70b": ["meta-llama/Llama-3.3-70B-Instruct"],
    "codellama-34b": ["codellama/CodeLlama-34b-Instruct-hf", "code-llama-34b-python"],
    "tinyllama-1.1b": ["TinyLlama-1.1B", "tinyllama", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"],
    "mistral-7b": ["mistralai/Mistral-7B-v0.1", "Mistral-7B-Instruct-v0.1"],
    "mistral-7b-v0.2": ["mistralai/Mistral-7B-Instruct-v0.2"],
    "mistral-7b-v0.3": ["mistralai/Mistral-7B-Instruct-v0.3", "mistral 7b v0.3"],
    "mixtral-8x7b": ["mistralai/Mixtral-8x7B-Instruct-v0.1"],
    "qwen2.5-32b": ["Qwen2.5-32B", "Qwen/QwQ-32B", "qwen2.5-coder-32b-instruct"],
    "qwen3-30b-a3b": ["Qwen/Qwen3-30B-A3B-Instruct-2507"],
    "gemma-2-9b": ["google/gemma-2-9b-it", "gemma2:9b"],
    "gemma-3-4b": ["google/gemma-3-4b-it", "gemma3-4b"],
    "phi-3-mini": ["microsoft/Phi-3-mini-4k-instruct", "phi3-mini"],
    "phi-1.5": ["microsoft/phi-1_5"],
    "gpt2": ["GPT-2", "openai-community/gpt2", "gpt2-small"],
    "gpt2-medium": ["gpt2 medium", "GPT2-Medium"],
    "pythia-1.4b": ["EleutherAI/pythia-1.4b-deduped"],
    "bert-base-uncased": ["bert", "bert-base", "google-bert/bert-base-uncased"],
    "bert-base-cased": ["google-bert/bert-base-cased"],
}


@pytest.mark.parametrize(("name", "typed"), [(n, t) for n, ts in SPELLINGS.items() for t in ts])
def test_a_name_as_people_type_it(name: str, typed: str) -> None:
    """Case, separators, owners and words of training do not change which row a name means."""
    assert model_named(typed).name == name


@given(st.sampled_from([(row, name) for row in KNOWN.values() for name in row.names]), st.data())
def test_every_name_of_a_row_means_it(named: tuple, data: st.DataObject) -> None:
    """Also in upper case, and with other separators; the hub's owner may be left out."""
    row, name = named
    separator = data.draw(st.sampled_from("-_ "))
    owner, slash, tail = name.rpartition("/")
    typed = data.draw(st.sampled_from([name, tail])).replace("-", separator)
    assert model_named(typed).shape == row.shape
    assert model_named(typed.upper()).shape == row.shape
    assert owner == "" or slash == "/"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("llama-8b", "type llama-3.1-8b"),
        ("llama-3.2", "type llama-3.2-1b or llama-3.2-3b"),
        ("qwen-32b", "type qwen2.5-32b, qwen1.5-32b or qwen3-32b"),
        ("llama-3-13b", "of that version vram knows llama-3-8b or llama-3-70b"),
        ("mixtral-7b", "of that family vram knows mixtral-8x7b or mixtral-8x22b"),
        ("lama-3.1-8b", "did you mean 'llama-3.1-8b'"),
        ("falcon-7b", "does not build this architecture"),
        ("llama-4-scout", "does not build this architecture"),
        ("llama-3.1-8b-AWQ", "type llama-3.1-8b --qlora"),
        ("70b", "`python -m vram models`"),
        ("", "`python -m vram models`"),
    ],
)
def test_what_is_not_known_is_told_what_to_type(typed: str, told: str) -> None:
    """One line, which never offers another family or version as if it were the one typed."""
    with pytest.raises(ValueError, match="unknown model") as refusal:
        shape_of(typed)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(st.text(max_size=30))
def test_any_text_is_a_row_or_a_refusal(text: str) -> None:
    """No text makes the resolver fail in another way than by a refusal."""
    with contextlib.suppress(ValueError):
        assert model_named(text) in KNOWN.values()


@pytest.mark.parametrize("name", MODELS)
def test_a_built_model_has_the_parameters_of_transformers_class(name: str) -> None:
    """The table's count is that of transformers' own class; the module built here has as many."""
    assert parameters(build(name)) == KNOWN[name].parameters


def test_there_are_forty_decoders_and_mixtures_among_them() -> None:
    """Llama, Mistral, Qwen, Gemma and Phi, plain and of experts; each with a repository."""
    decoders = [shape for shape in MODELS.values() if isinstance(shape, DecoderShape)]
    assert len(set(decoders)) >= 40
    assert sum(shape.experts is not None for shape in decoders) >= 5
    assert all("/" in row.repo for row in KNOWN.values())
