"""BERT and RoBERTa in plain torch (Devlin et al. 2018, arXiv 1810.04805), as transformers does it.

Dropout is on, as in every config of them: it keeps a mask for each use.
Shapes: B batch, T tokens, D hidden, H heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Embedding, Linear
from .shapes import BertShape, longest_sequence


class Bert(nn.Module):
    """Token ids (B, T) to logits: (B, T, vocabulary), or (B, labels) of a classifier."""

    def __init__(self, shape: BertShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.bert = BertEncoder(shape, device, dtype)
        self.cls: nn.Module
        if shape.labels is None:
            self.cls = MaskedWordHead(shape, self.bert.embeddings.word_embeddings, device, dtype)
        else:
            self.cls = ClassifierHead(shape, shape.labels, device, dtype)

    def forward(self, token_ids: Tensor) -> Tensor:
        logits: Tensor = self.cls(self.bert(token_ids))
        return logits


class BertEncoder(nn.Module):
    """Embeddings and layers: token ids (B, T) to hidden states (B, T, D)."""

    def __init__(self, shape: BertShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.embeddings = BertEmbeddings(shape, device, dtype)
        self.layer = nn.ModuleList(BertLayer(shape, device, dtype) for _ in range(shape.layers))

    def forward(self, token_ids: Tensor) -> Tensor:
        x: Tensor = self.embeddings(token_ids)
        for layer in self.layer:
            x = layer(x)
        return x


class BertEmbeddings(nn.Module):
    """Words, token types and positions, added, normalised and dropped out."""

    def __init__(self, shape: BertShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()

        def table(rows: int) -> Embedding:
            return Embedding(rows, shape.hidden, device=device, dtype=dtype)

        self.longest, self.reserved = longest_sequence(shape), shape.reserved
        self.word_embeddings = table(shape.vocabulary)
        self.position_embeddings = table(shape.positions)
        self.token_type_embeddings = table(shape.types)
        self.LayerNorm = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, token_ids: Tensor) -> Tensor:
        length = token_ids.shape[1]
        if self.longest is not None and length > self.longest:
            raise ValueError(f"sequence {length} is longer than {self.longest} positions")
        positions = torch.arange(length, device=token_ids.device)[None] + self.reserved
        x: Tensor = self.word_embeddings(token_ids)
        x = x + self.token_type_embeddings(torch.zeros_like(token_ids))
        x = x + self.position_embeddings(positions)
        out: Tensor = self.dropout(self.LayerNorm(x))
        return out


class BertLayer(nn.Module):
    """Attention and feed-forward, each added to what it read and then normalised (B, T, D)."""

    def __init__(self, shape: BertShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.attention = BertAttention(shape, device, dtype)
        self.intermediate = Linear(shape.hidden, shape.intermediate, device=device, dtype=dtype)
        self.output = BertOutput(shape.intermediate, shape, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention(x)
        out: Tensor = self.output(F.gelu(self.intermediate(x)), x)
        return out


class BertAttention(nn.Module):
    """Attention of every token to every other."""

    def __init__(self, shape: BertShape, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.heads, self.dropout = shape.heads, shape.dropout
        self.query = Linear(shape.hidden, shape.hidden, device=device, dtype=dtype)
        self.key = Linear(shape.hidden, shape.hidden, device=device, dtype=dtype)
        self.value = Linear(shape.hidden, shape.hidden, device=device, dtype=dtype)
        self.output = BertOutput(shape.hidden, shape, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            part.view(*x.shape[:2], self.heads, -1).transpose(1, 2)
            for part in (self.query(x), self.key(x), self.value(x))
        )
        dropped = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=dropped)
        out: Tensor = self.output(mixed.transpose(1, 2).flatten(2), x)
        return out


class BertOutput(nn.Module):
    """A projection to D, dropped out, added to the layer's input and normalised."""

    def __init__(
        self, inputs: int, shape: BertShape, device: torch.device, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.dense = Linear(inputs, shape.hidden, device=device, dtype=dtype)
        self.LayerNorm = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        out: Tensor = self.LayerNorm(self.dropout(self.dense(x)) + residual)
        return out


class MaskedWordHead(nn.Module):
    """Hidden states (B, T, D) to logits (B, T, vocabulary), the weight tied to the embedding."""

    def __init__(
        self, shape: BertShape, words: Embedding, device: torch.device, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.dense = Linear(shape.hidden, shape.hidden, device=device, dtype=dtype)
        self.LayerNorm = nn.LayerNorm(shape.hidden, device=device, dtype=dtype)
        self.decoder = Linear(
            shape.hidden, shape.vocabulary, bias=False, device="meta", dtype=dtype
        )
        self.decoder.weight = words.weight
        self.decoder.bias = nn.Parameter(torch.zeros(shape.vocabulary, device=device, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.decoder(self.LayerNorm(F.gelu(self.dense(x))))
        return logits


class ClassifierHead(nn.Module):
    """Hidden states (B, T, D) to logits (B, labels): a pooler of the first token, and a layer."""

    def __init__(
        self, shape: BertShape, labels: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.pooler = Linear(shape.hidden, shape.hidden, device=device, dtype=dtype)
        self.dropout = nn.Dropout(shape.dropout)
        self.classifier = Linear(shape.hidden, labels, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.tanh(self.pooler(x[:, 0]))
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits
