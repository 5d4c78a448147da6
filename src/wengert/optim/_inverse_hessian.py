"""The direction of L-BFGS: the gradient times an inverse Hessian that is known by its last steps only."""

from __future__ import annotations

from typing import Any

from ._rule import scalar


def renew_direction(state: dict[str, Any], gradient: Any, group: dict[str, Any]) -> None:
    """Renew the direction ``d`` and the length ``t`` of the step to try first."""
    lr = scalar(group["lr"])
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1, d=gradient.neg())
        state["t"] = min(1.0, 1.0 / gradient.abs().sum()) * lr
        return
    _remember(state, gradient, group["history_size"])
    changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    weights = state.setdefault("al", [None] * group["history_size"])
    q = gradient.neg()
    for i in reversed(range(len(changes))):
        weights[i] = steps[i].dot(q) * ro[i]
        q.add_(changes[i], alpha=-weights[i])
    d = q * state["H_diag"]
    for i in range(len(changes)):
        d.add_(steps[i], alpha=weights[i] - changes[i].dot(d) * ro[i])
    state["d"], state["t"] = d, lr


def _remember(state: dict[str, Any], gradient: Any, size: int) -> None:
    """Take the last step into the history, unless the loss bends downwards along it."""
    change = gradient - state["prev_flat_grad"]
    step = state["d"] * state["t"]
    curvature = change.dot(step)
    if curvature > 1e-10:
        for name, value in (("old_dirs", change), ("old_stps", step), ("ro", 1.0 / curvature)):
            if len(state[name]) == size:
                state[name].pop(0)
            state[name].append(value)
        state["H_diag"] = curvature / change.dot(change)
