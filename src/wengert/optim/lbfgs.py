"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._gen import functions as F
from ..autograd.grad_mode import enable_grad, no_grad
from . import _rule
from ._inverse_hessian import renew_direction
from ._line_search import Point, Search
from .optimizer import Optimizer, Params


class LBFGS(Optimizer):
    """Newton's method with an inverse Hessian made of the last steps and changes of the gradient.

    One ``step`` makes up to ``max_iter`` iterations, each with one or more calls of the closure. All parameters make one
    group.

    Args:
        params: see ``Optimizer``.
        lr: length of a step in units of Newton's.
        max_iter: iterations for each ``step``.
        max_eval: calls of the closure for each ``step``; 5/4 ``max_iter`` when left out.
        tolerance_grad: stop when no element of the gradient is larger.
        tolerance_change: stop when loss or parameters change less.
        history_size: number of steps that the Hessian is made of.
        line_search_fn: "strong_wolfe", or None for steps of fixed length.

    Raises:
        ValueError: for a negative rate, and for several groups.
        RuntimeError: for other line searches.

    Source: Nocedal and Wright, Numerical optimization, 2nd edition, algorithms 7.4, 3.5 and 3.6.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        _rule.check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Any]:
        params: list[Any] = self.param_groups[0]["params"]
        return params

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate; returns what the closure returned first.

        Args:
            closure: clears the gradients, computes the loss and its gradients, returns the loss.
        """
        if closure is None:
            raise TypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        closure = enable_grad()(closure)
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = closure()
        loss, gradient = float(first), self._gradient()
        state["func_evals"] += 1
        evaluations = 1
        if gradient.abs().max() <= group["tolerance_grad"]:
            return first
        for i in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            renew_direction(state, gradient, group)
            state["prev_flat_grad"], state["prev_loss"] = gradient, loss
            slope = gradient.dot(state["d"])
            if slope > -group["tolerance_change"]:
                break
            start = Point(0, loss, gradient, slope)
            loss, gradient, used = self._advance(closure, start, state, evaluations, i == group["max_iter"])
            evaluations += used
            state["func_evals"] += used
            if evaluations >= group["max_eval"] or self._converged(state, loss, gradient):
                break
        return first

    def _advance(
        self, closure: Callable[[], Any], start: Point, state: dict[str, Any], evaluations: int, last: bool
    ) -> tuple[float, Any, int]:
        """Move along ``d``; returns loss and gradient there, and the calls of the closure."""
        group, d = self.param_groups[0], state["d"]
        if group["line_search_fn"] is None:
            self._move(state["t"], d)
            if last:  # nobody asks for loss and gradient there
                return start.loss, start.gradient, 0
            return float(closure()), self._gradient(), 1
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        origin = [p.clone() for p in self._params]

        def evaluate(t: Any) -> tuple[float, Any]:
            self._move(t, d)
            loss = float(closure())
            gradient = self._gradient()
            for p, value in zip(self._params, origin):
                p.copy_(value)
            return loss, gradient

        search = Search(evaluate, start, d, 1e-9, group["max_eval"] - evaluations)
        found = search.run(state["t"])
        state["t"] = found.t
        self._move(found.t, d)
        return found.loss, found.gradient, search.evaluations

    def _converged(self, state: dict[str, Any], loss: float, gradient: Any) -> bool:
        group = self.param_groups[0]
        return bool(
            gradient.abs().max() <= group["tolerance_grad"]
            or (state["d"] * state["t"]).abs().max() <= group["tolerance_change"]
            or abs(loss - state["prev_loss"]) < group["tolerance_change"]
        )

    def _gradient(self) -> Any:
        """All gradients in one vector, complex ones as pairs."""
        parts = []
        for p in self._params:
            grad = F.zeros_like(p) if p.grad is None else p.grad
            parts.append((F.view_as_real(grad) if grad.is_complex() else grad).reshape(-1))
        return F.cat(parts)

    def _move(self, length: Any, direction: Any) -> None:
        """Add a part of the vector to every parameter."""
        start = 0
        for p in self._params:
            p = F.view_as_real(p) if p.is_complex() else p
            p.add_(direction[start : start + p.numel()].view_as(p), alpha=length)
            start += p.numel()
