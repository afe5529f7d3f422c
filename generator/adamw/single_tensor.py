"""One AdamW step of one tensor, in place, with torch operations.

Line for line `reference.adamw_step`, in the order and grouping of torch's own single-tensor
path, so that float32 results agree with torch.optim.AdamW to the last bit.
"""

from __future__ import annotations

import torch
from torch import Tensor


def step_(
    param: Tensor,
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    step: Tensor,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    max_exp_avg_sq: Tensor | None = None,
    maximize: bool = False,
) -> None:
    """Update param, exp_avg, exp_avg_sq, step (and max_exp_avg_sq, if given) in place.

    Call without gradients enabled. All tensors but step share param's shape, dtype and device;
    step is 0-dimensional and holds the number of steps taken before this one. A max_exp_avg_sq
    asks for AMSGrad (Reddi et al. 2018, arXiv 1904.09237): the largest second moment so far
    stands in for the current one. A complex tensor is updated as its real and imaginary parts.

    Peak temporary memory: two tensors of param's size (three with maximize).
    """
    step += 1
    t = step.item()
    grad = -grad if maximize else grad
    param, grad, exp_avg, exp_avg_sq = map(_as_real, (param, grad, exp_avg, exp_avg_sq))

    if weight_decay != 0:
        param.mul_(1 - lr * weight_decay)  # decay
    exp_avg.lerp_(grad, 1 - beta1)  # first_moment
    exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)  # second_moment
    if max_exp_avg_sq is not None:
        largest = _as_real(max_exp_avg_sq)
        exp_avg_sq = torch.maximum(largest, exp_avg_sq, out=largest)

    # bias_correct, with both corrections moved to scalars: m_hat / (sqrt(v_hat) + eps) needs no
    # corrected copy of either moment.
    beta1_correction = 1 - beta1**t
    beta2_correction_sqrt = (1 - beta2**t) ** 0.5
    denominator = (exp_avg_sq.sqrt() / beta2_correction_sqrt).add_(eps)
    param.addcdiv_(exp_avg, denominator, value=-lr / beta1_correction)  # adam_direction


def _as_real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
