"""AdamW in its papers' own symbols: one function an equation, pure, nothing in place.

Each function takes Python floats and torch tensors alike, and anything else with + - * / and
** 0.5. Every other body of the algorithm in this package must agree with this one.

Symbols: theta parameter, g gradient, m and v the running means of g and of g * g, t the step
being taken, counted from 1. theta, g, m and v have one shape and one dtype; beta1, beta2, lr,
eps and weight_decay are plain numbers.

Sources: Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv 1711.05101;
Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv 1412.6980.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

Value = TypeVar("Value", float, "Tensor")


class Step(NamedTuple, Generic[Value]):
    """What one step leaves behind: the new parameter and the new raw (uncorrected) moments."""

    theta: Value
    m: Value
    v: Value


def first_moment(m: Value, g: Value, beta1: float) -> Value:
    """Return m_t = beta1 m_{t-1} + (1 - beta1) g_t (arXiv 1711.05101, Algorithm 2 line 7)."""
    return beta1 * m + (1 - beta1) * g


def second_moment(v: Value, g: Value, beta2: float) -> Value:
    """Return v_t = beta2 v_{t-1} + (1 - beta2) g_t^2 (arXiv 1711.05101, Algorithm 2 line 8)."""
    return beta2 * v + (1 - beta2) * (g * g)


def bias_correct(moment: Value, beta: float, t: int) -> Value:
    """Return moment / (1 - beta^t): m_hat or v_hat (arXiv 1711.05101, Algorithm 2 lines 9 and 10).

    A mean that started at zero is too small by exactly this factor while g is constant; Kingma &
    Ba derive it in section 3. For floats, t = 0 raises ZeroDivisionError: t counts from 1.
    """
    return moment / (1 - beta**t)


def adam_direction(m_hat: Value, v_hat: Value, eps: float) -> Value:
    """Return m_hat / (sqrt(v_hat) + eps), a step in units of lr (arXiv 1412.6980, Algorithm 1)."""
    denominator: Value = v_hat**0.5 + eps
    return m_hat / denominator


def decay(theta: Value, lr: float, weight_decay: float) -> Value:
    """Return (1 - lr weight_decay) theta, the decoupled decay term (arXiv 1711.05101, line 12).

    The paper multiplies weight_decay by the schedule alone; torch multiplies it by lr, and so
    does this. Halving lr halves the decay.
    """
    return theta * (1 - lr * weight_decay)


def adamw_step(
    theta: Value,
    g: Value,
    m: Value,
    v: Value,
    t: int,
    *,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Step[Value]:
    """Take AdamW's step t (arXiv 1711.05101, Algorithm 2 lines 7 to 12, decoupled decay).

    The old parameter decays first and the Adam step is then taken from there, as in torch.
    Line 12 subtracts both at once, which is the same algebra: m and v never see the decay.
    """
    m = first_moment(m, g, beta1)
    v = second_moment(v, g, beta2)
    m_hat = bias_correct(m, beta1, t)
    v_hat = bias_correct(v, beta2, t)
    theta = decay(theta, lr, weight_decay)
    theta = theta - lr * adam_direction(m_hat, v_hat, eps)
    return Step(theta, m, v)


def adam_l2_step(
    theta: Value,
    g: Value,
    m: Value,
    v: Value,
    t: int,
    *,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Step[Value]:
    """Take step t of Adam with L2 regularization (arXiv 1711.05101, Algorithm 2 with line 6).

    For contrast with `adamw_step`: the decay joins the gradient, g + weight_decay theta, so both
    moments carry it and the division by sqrt(v_hat) rescales it parameter by parameter.
    """
    g = g + weight_decay * theta
    return adamw_step(theta, g, m, v, t, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=0.0)
