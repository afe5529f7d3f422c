"""Published shapes of the Llama 3 family: the givens from which every byte count here follows.

Each row is copied from the model's config.json on the Hugging Face hub (num_hidden_layers,
hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, vocab_size,
tie_word_embeddings); "The Llama 3 Herd of Models", arXiv 2407.21783, table 3 has the 3.1 rows too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class LlamaShape:
    """What decides the parameters of a Llama: counts and widths, all positive integers.

    Raises ValueError for a width that does not divide: every head has hidden / heads channels, an
    even number (rotary embedding turns pairs), and heads / kv_heads query heads share a key head.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "tied" and not (isinstance(value, int) and value > 0):
                raise ValueError(f"{field.name} must be a positive integer: {value!r}")
        if self.hidden % (2 * self.heads):
            raise ValueError(f"hidden {self.hidden} is not an even multiple of heads {self.heads}")
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.hidden // self.heads


LLAMA: dict[str, LlamaShape] = {
    # meta-llama/Llama-3.1-8B/config.json
    "3.1-8B": LlamaShape(32, 4096, 14336, 32, 8, 128256, tied=False),
    # meta-llama/Llama-3.1-70B/config.json
    "3.1-70B": LlamaShape(80, 8192, 28672, 64, 8, 128256, tied=False),
    # meta-llama/Llama-3.1-405B/config.json
    "3.1-405B": LlamaShape(126, 16384, 53248, 128, 8, 128256, tied=False),
    # meta-llama/Llama-3.2-1B/config.json
    "3.2-1B": LlamaShape(16, 2048, 8192, 32, 8, 128256, tied=True),
    # meta-llama/Llama-3.2-3B/config.json
    "3.2-3B": LlamaShape(28, 3072, 8192, 24, 8, 128256, tied=True),
}
