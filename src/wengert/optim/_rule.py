"""What the update rules share: one step for each parameter, its state, options and their checks.

Rules are written over tensors, once: without recording for training, recorded with ``differentiable=True``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .._core.dtypes import DEFAULTS, float32, float64
from .._core.modes import is_grad_enabled, set_grad
from .._core.tensor_base import bump, memory, requires_grad
from .._gen import functions as F
from .._record.common import prepare_inplace
from .._tensor import Tensor
from .optimizer import Optimizer, evaluate

SCALARS = ("step", "mu_product", "eta", "mu")
"""State that is one number in a tensor; state dicts of old releases of PyTorch have plain numbers there."""


class Rule(Optimizer):
    """An optimizer that treats every parameter for itself: ``new_state`` and ``update`` are all that differs.

    A complex parameter is seen by ``update`` as pairs of real numbers, and so are its gradient and state.
    """

    later_options: ClassVar[dict[str, Any]] = {
        "foreach": None,
        "maximize": False,
        "differentiable": False,
        "capturable": False,
    }
    """Options that state dicts of old releases of PyTorch do not have, and what they were."""
    complex_as_pairs: ClassVar[bool] = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self.later_options.items():
                group.setdefault(name, value)
            for p in group["params"]:
                known = self.state.get(p, {})
                for name in SCALARS:
                    if name in known and not isinstance(known[name], Tensor):
                        known[name] = counter(group, float(known[name]))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient by one step; returns the closure's result, or None."""
        loss = evaluate(closure)
        previous = set_grad(bool(self.defaults.get("differentiable")))
        try:
            for group in self.param_groups:
                for p in group["params"]:
                    grad = p.grad
                    if grad is not None:
                        self._step_of(p, grad, group)
        finally:
            set_grad(previous)
        return loss

    def _step_of(self, p: Tensor, grad: Any, group: dict[str, Any]) -> None:
        state = self.state.get(p)
        if not state:
            state = self.new_state(p, group)
            if state:
                self.state[p] = state
        elif group.get("differentiable"):
            # The graph of an earlier step may have saved these values, and the rule is going to overwrite them.
            state.update((name, value.clone()) for name, value in state.items() if isinstance(value, Tensor))
        if group.get("maximize"):
            grad = -grad
        if self.complex_as_pairs and p.is_complex():
            seen = {name: F.view_as_real(v) if _is_complex(v) else v for name, v in state.items()}
            self.update(F.view_as_real(p), F.view_as_real(grad), seen, group)
        else:
            self.update(p, grad, state, group)

    def new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        raise NotImplementedError

    def update(self, p: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """The rule: change ``p`` and ``state`` in place."""
        raise NotImplementedError


def _is_complex(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_complex()


def in_one_pass(kernel: Any, targets: list[Any], grad: Any, numbers: list[Any], group: dict[str, Any]) -> bool:
    """Run a rule of real tensors and numbers as a kernel over ``targets[0]``, ``grad`` and the other targets.

    False, and nothing has changed, where the rule has to be recorded or the operands are of another kind.
    """
    if is_grad_enabled() or group.get("differentiable") or not all(isinstance(x, (int, float)) for x in numbers):
        return False
    operands = [targets[0], grad, *targets[1:]]
    dtype = targets[0].dt
    if dtype is not float32 and dtype is not float64:
        return False
    if not all(x.dt is dtype and x.shp == targets[0].shp and len(x.shp) > 0 for x in operands):
        return False
    for target in targets:
        prepare_inplace(target, dtype, target.shp, requires_grad(target))
    kernel.into([memory(x) for x in targets], *[memory(x) for x in operands], *[float(x) for x in numbers])
    for target in targets:
        bump(target)
    return True


def counter(group: dict[str, Any], value: float = 0.0) -> Any:
    """A number of the state, as a tensor of the default dtype (float32 with ``fused``)."""
    dtype = float32 if group.get("fused") or DEFAULTS.float.name != "float64" else DEFAULTS.float
    return F.tensor(value, dtype=dtype)


def advance(state: dict[str, Any]) -> float:
    """Count one step; returns how many there were."""
    state["step"] += 1
    return float(state["step"].item())


def scalar(option: Any) -> Any:
    """An option as a number or 0-d tensor."""
    return option.squeeze() if isinstance(option, Tensor) and option.dim() != 0 else option


def decay(p: Any, grad: Any, group: dict[str, Any]) -> Any:
    """Weight decay: shrink ``p`` if it is decoupled, else return the gradient with that of the penalty wd/2 p^2 added."""
    weight_decay = group["weight_decay"]
    if isinstance(weight_decay, Tensor) and weight_decay.requires_grad:
        return grad + p.clone() * weight_decay
    if weight_decay == 0:
        return grad
    if group.get("decoupled_weight_decay"):
        p.mul_(1 - scalar(group["lr"]) * weight_decay)
        return grad
    return grad.add(p, alpha=weight_decay)


def add_scaled(p: Any, direction: Any, factor: Any) -> None:
    """``p += factor * direction``; a gradient flows to a factor that requires one."""
    if isinstance(factor, Tensor) and factor.requires_grad:
        p.add_(direction * factor)
    else:
        p.add_(direction, alpha=factor)


def average(mean: Any, value: Any, weight: Any) -> None:
    """``mean = (1 - weight) mean + weight value``, in place."""
    add_scaled(mean, value - mean, weight)


def average_squares(mean: Any, grad: Any, beta: Any) -> None:
    """``mean = beta mean + (1 - beta) grad^2``, in place."""
    if isinstance(beta, Tensor) and beta.requires_grad:
        average(mean, grad * grad, 1 - beta)
    else:
        mean.mul_(beta).add_(grad * grad, alpha=1 - beta)


def kept(value: Any, group: dict[str, Any]) -> Any:
    """A value of the state for use in a formula: a copy if the graph may save it, since the state is overwritten."""
    return value.clone() if group.get("differentiable") else value


def check_lr(lr: Any, text: str = "Invalid learning rate: ") -> None:
    """The learning rate is a number or a tensor with one, and not negative."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    check_not_negative(lr, text)


def check_not_negative(value: Any, text: str) -> None:
    """Refuse negative numbers and NaN."""
    if not value >= 0.0:
        raise ValueError(f"{text}{value}")


def check_betas(betas: Any) -> None:
    """Both decay rates lie in [0, 1)."""
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_fused(fused: Any, foreach: Any, differentiable: bool) -> None:
    """``fused`` changes nothing here, but contradicts other flags as in PyTorch."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
