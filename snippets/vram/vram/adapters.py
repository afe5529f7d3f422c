"""LoRA and QLoRA: frozen linear layers with small trained ones beside them, and in four bits.

LoRA (arXiv 2106.09685) adds B (out, rank) and A (rank, in); QLoRA (arXiv 2305.14314) stores the
frozen weight as bitsandbytes 0.50.2 does: half a byte an element and constants for its blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .optimizers import Buffer, total_bytes

BLOCK, NESTED_BLOCK = 64, 256
ALL_LINEAR = "all-linear"


def nf4_buffers(elements: int, *, double: bool = True) -> dict[str, tuple[int, torch.dtype]]:
    """Return the tensors that bitsandbytes makes of a weight: name to (elements, dtype).

    Two elements a byte; one absmax for each 64, in float32, or with double quantisation in one
    byte, with one float32 for each 256 of them, an offset and a map of 256 float32; and the map of
    the sixteen NF4 values. Raises ValueError for a weight of no elements.
    """
    if elements < 1:
        raise ValueError(f"elements must be at least 1: {elements}")
    blocks = -(-elements // BLOCK)
    found = {
        "weight": (-(-elements // 2), torch.uint8),
        "absmax": (blocks, torch.uint8 if double else torch.float32),
        "quant_map": (16, torch.float32),
    }
    if double:
        found["nested_absmax"] = (-(-blocks // NESTED_BLOCK), torch.float32)
        found["nested_quant_map"] = (256, torch.float32)
        found["offset"] = (1, torch.float32)
    return found


def nf4_bytes(elements: int, *, double: bool = True) -> int:
    """Return the bytes of nf4_buffers, constants included."""
    return sum(n * dtype.itemsize for n, dtype in nf4_buffers(elements, double=double).values())


class NF4Linear(nn.Module):
    """A frozen linear layer in four bits, on meta: shapes of what bitsandbytes' Linear4bit holds.

    Its constants are buffers. Each pass makes the weight again, in the dtype it had before, for one
    product in that dtype.
    """

    def __init__(self, linear: Any, *, double: bool) -> None:
        super().__init__()
        self.compute_dtype = linear.weight.dtype
        self.outputs, self.inputs = _sides(linear)
        sizes = nf4_buffers(linear.weight.numel(), double=double)
        packed = torch.empty(sizes.pop("weight")[0], 1, dtype=torch.uint8, device="meta")
        self.weight = nn.Parameter(packed, requires_grad=False)
        self.weight.unpacked_elements = linear.weight.numel()  # type: ignore[attr-defined]
        for name, (elements, dtype) in sizes.items():
            self.register_buffer(name, torch.empty(elements, dtype=dtype, device="meta"))
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.to(self.compute_dtype)
        narrow = x.to(self.compute_dtype)
        out: Tensor = _NF4Product.apply(narrow, self.weight, bias, self.outputs)  # type: ignore[no-untyped-call]
        del narrow
        return out.to(x.dtype)


class _NF4Product(torch.autograd.Function):
    """x (..., in) times a packed weight: the weight is unpacked for the product, then let go."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, packed: Tensor, bias: Tensor | None, outputs: int) -> Tensor:
        ctx.shape = (outputs, x.shape[-1])
        return F.linear(x, x.new_empty(ctx.shape), bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return grads[0] @ grads[0].new_empty(ctx.shape), None, None, None


class LoraLinear(nn.Module):
    """base(x) + B(A(dropout(x))) * scale, as PEFT computes it: A and B in a dtype of their own.

    Beside a four-bit layer PEFT copies what the base returns before it adds.
    """

    def __init__(
        self, base: nn.Module, rank: int, dtype: torch.dtype, dropout: float, *, dora: bool
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.copies = isinstance(base, NF4Linear)
        outputs, inputs = _sides(base)
        device = next(base.parameters()).device
        self.base_layer = base
        self.lora_A = nn.Linear(inputs, rank, bias=False, device=device, dtype=dtype)
        self.lora_B = nn.Linear(rank, outputs, bias=False, device=device, dtype=dtype)
        sizes = torch.empty(outputs, device=device, dtype=dtype)
        self.magnitude = nn.Parameter(sizes) if dora else None

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base_layer(x)
        if self.copies:
            out = out.clone()
        dtype = out.dtype
        x = x.to(self.lora_A.weight.dtype)
        if self.dropout:
            x = F.dropout(x, self.dropout)
        if self.magnitude is None and not self.copies:
            # In one statement, as in PEFT: what is added is let go of before the sum is cast.
            out = out + self.lora_B(self.lora_A(x)) * 2.0
            return out.to(dtype)
        update = self.lora_B(self.lora_A(x)) * 2.0
        if self.copies:
            update = update.to(dtype)
        if self.magnitude is not None:
            update = self._directed(x, out, update)
        added: Tensor = (out + update).to(dtype)
        return added

    def _weight(self) -> Tensor:
        weight: Any = self.base_layer.weight
        return weight.T if _is_turned(self.base_layer) else weight  # type: ignore[no-any-return]

    def _directed(self, x: Tensor, out: Tensor, update: Tensor) -> Tensor:
        """Scale by magnitude / |W + BA|, as PEFT does: W + BA is made anew for each pass."""
        unit = torch.eye(self.lora_A.in_features, device=x.device, dtype=x.dtype)
        both = self.lora_B(self.lora_A(unit)).T.detach()
        weight = both.new_empty(both.shape) if self.copies else self._weight().to(x.dtype)
        length = torch.linalg.norm(weight + both, dim=1).to(both.dtype)
        scale = (self.magnitude / length).view(1, -1)
        turned: Tensor = (scale - 1) * out + scale * update
        return turned


def nf4(model: nn.Module, *, double: bool = True) -> nn.Module:
    """Replace each linear layer but the output projection by its NF4 form; freeze all; return it.

    Changes the model given. Raises ValueError where there is no linear layer to replace.
    """
    model.requires_grad_(requires_grad=False)
    for owner, name, linear in _linears(model, ALL_LINEAR):
        setattr(owner, name, NF4Linear(linear, double=double))
    return model


def prepare_for_kbit(model: nn.Module) -> nn.Module:
    """Make every 16-bit parameter float32, as PEFT's prepare_model_for_kbit_training does.

    Only packed weights are left as they are, so embedding, output and norms are twice as large, and
    activations are float32. Changes and returns the model given.
    """
    for parameter in model.parameters():
        if parameter.dtype in (torch.float16, torch.bfloat16):
            parameter.data = parameter.data.float()
    return model


def lora(
    model: nn.Module,
    rank: int = 16,
    targets: Iterable[str] | str = ALL_LINEAR,
    *,
    dtype: torch.dtype = torch.float32,
    dropout: float = 0.0,
    dora: bool = False,
) -> nn.Module:
    """Put adapters of `rank` beside the linear layers whose names are targets; freeze the rest.

    targets are last parts of module names ("q_proj", "v_proj"), or "all-linear": every linear
    layer but the output projection. dtype is the adapters' own, float32 as PEFT makes them; dropout
    is of their input; dora adds a magnitude for each output (arXiv 2402.09353). Changes and returns
    the model given. Raises ValueError for a rank below 1 or above a layer's smaller side, and for
    targets that match nothing.
    """
    if rank < 1:
        raise ValueError(f"rank must be at least 1: {rank}")
    model.requires_grad_(requires_grad=False)
    layers = _linears(model, targets)
    for _, name, layer in layers:
        if rank > min(_sides(layer)):
            raise ValueError(f"rank {rank} is more than {min(_sides(layer))}, a side of {name}")
    for owner, name, layer in layers:
        setattr(owner, name, LoraLinear(layer, rank, dtype, dropout, dora=dora))
    return model


def _linears(model: nn.Module, targets: Iterable[str] | str) -> list[tuple[nn.Module, str, Any]]:
    wanted = None if targets == ALL_LINEAR else set(targets)
    output = _output_name(model)
    found = []
    for path, module in model.named_modules():
        for name, child in module.named_children():
            chosen = name in wanted if wanted is not None else f"{path}.{name}".strip(".") != output
            if chosen and _is_linear(child):
                found.append((module, name, child))
    if not found:
        raise ValueError(f"no linear layer (nn.Linear) is named by {targets!r}: nothing to adapt")
    return found


def _output_name(model: nn.Module) -> str | None:
    """Return the name of the linear layer with as many outputs as an embedding has rows."""
    rows = {m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)}
    layers = ((n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear))
    return next((name for name, layer in layers if layer.out_features in rows), None)


def _is_linear(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear | NF4Linear) or _is_turned(layer)


def _is_turned(layer: nn.Module) -> bool:
    """Whether it is GPT-2's linear layer, whose weight is (inputs, outputs), ours or theirs."""
    return type(layer).__name__ == "Conv1D"


def _sides(layer: nn.Module) -> tuple[int, int]:
    """Return how many outputs and inputs a linear layer has."""
    if isinstance(layer, NF4Linear):
        return layer.outputs, layer.inputs
    weight: Any = layer.weight
    outputs, inputs = weight.shape[:: -1 if _is_turned(layer) else 1]
    return outputs, inputs


def quantisation_constants(model: nn.Module) -> list[Buffer]:
    """Return the constants of the model's NF4 layers, each a buffer of the module."""
    layers = (m for m in model.modules() if isinstance(m, NF4Linear))
    return [Buffer(b.numel(), b.dtype) for layer in layers for b in layer.buffers()]


def constant_bytes(model: nn.Module) -> int:
    """Return the bytes of the quantisation constants of the model's NF4 layers."""
    return total_bytes(quantisation_constants(model))
