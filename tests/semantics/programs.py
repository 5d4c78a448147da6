"""Random programs of views, in-place writes, detaching, modes and backward, as plain instructions that any package can run."""

from __future__ import annotations

import contextlib
import random
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

VIEWS = [
    "t[0]", "t[-1]", "t[1:]", "t[:, 0]", "t[..., 1]", "t.t()", "t.view(-1)", "t.reshape(-1)", "t.unsqueeze(0)", "t[None]",
    "t.squeeze()", "t.transpose(0, 1)", "t.diagonal()", "t.narrow(0, 0, 2)", "t.view_as(t)", "t[...]", "t[::2]",
    "t.expand(2, *t.shape)", "t.permute(1, 0)", "t.unbind()[0]", "t.split(1)[0]", "t.chunk(2)[0]", "t.select(0, 1)",
    "t.detach()",
]  # fmt: skip
NEW = [
    "t * 2", "t + u", "t * u", "t.exp()", "t.sin()", "t.clone()", "t.tanh()", "t / (u * u + 1)", "t ** 2", "t.relu()",
    "t.sigmoid()", "-t", "t.sum(0)", "t.mean()", "t @ t.t()", "torch.cat([t, t])", "torch.stack([t, t])", "t.abs()",
    "t[[0, 0]]", "torch.where(t > 0, t, u)", "t.cumsum(0)", "t.double().float()", "t.amax(0)", "t.sqrt()", "t.contiguous()",
]  # fmt: skip
WRITES = [
    "t.add_(1)", "t.mul_(2)", "t.mul_(u)", "t.add_(u)", "t.zero_()", "t.fill_(0.5)", "t.copy_(u)", "t.exp_()", "t.sin_()",
    "t[0] = 3.0", "t[0] = u", "t[:] = 2.0", "t[t > 0] = 0.25", "t[[0]] = 1.5", "t += u", "t *= 3", "t.sub_(u)", "t.div_(2)",
    "t.t_()", "t.unsqueeze_(0)", "t.squeeze_()", "t.clamp_(-1, 1)", "t.relu_()", "t.detach_()", "t.requires_grad_()",
    "t.masked_fill_(t > 1, 0.0)", "t.pow_(2)", "t.neg_()", "t.data.add_(1)", "t.retain_grad()", "t.tril_()",
]  # fmt: skip
READS = [
    "t.sum().backward(retain_graph=True)", "t.sum().backward()", "torch.autograd.grad(t.sum(), u, allow_unused=True)",
    "torch.autograd.grad((t * u).sum(), [t, u], retain_graph=True, allow_unused=True)", "t.grad_fn.name()", "t._version",
    "t.is_leaf", "t.requires_grad", "(t * t).sum().backward(retain_graph=True)", "t.output_nr", "t._is_view()",
    "torch.autograd.grad(t.sum(), u, create_graph=True, allow_unused=True)",
]  # fmt: skip


LOUD = False  # print errors as they happen


@dataclass(frozen=True)
class Step:
    """One instruction: ``source`` with ``t`` and ``u`` bound to variables number ``t`` and ``u``."""

    source: str
    t: int
    u: int
    mode: str
    keeps: bool


def make_program(seed: int, length: int) -> list[Step]:
    """A random program."""
    rng = random.Random(seed)
    steps = []
    count = 3
    for _ in range(length):
        kind = rng.choices(["new", "view", "write", "read"], [3, 3, 3, 2])[0]
        pool = {"new": NEW, "view": VIEWS, "write": WRITES, "read": READS}[kind]
        mode = "no_grad" if rng.random() < 0.12 else "grad"
        keeps = kind in ("new", "view")
        t, u = rng.sample(range(count), 2)  # PyTorch loses the old value in t.mul_(t)
        steps.append(Step(rng.choice(pool), t, u, mode, keeps))
        count += keeps
    return steps


def run_program(torch: Any, steps: list[Step]) -> list[Any]:
    """Outcome of every step: the text of an error's class, or what can be seen of the result and of all variables."""
    values = [[0.5, -1.25, 2.0], [1.5, 0.75, -0.5], [-2.0, 0.25, 1.0]]
    variables = [
        torch.tensor(values, requires_grad=True),
        torch.tensor(values).t(),
        torch.tensor(values, requires_grad=True) * 1,
    ]
    log: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in steps:
            log.append(run_step(torch, step, variables))
        log.append([observe(v) for v in variables])
    return log


def run_step(torch: Any, step: Step, variables: list[Any]) -> Any:
    """Run one instruction; variables that an error leaves undefined repeat an earlier one."""
    refresh(variables[step.t])
    names = {"torch": torch, "t": variables[step.t], "u": variables[step.u]}
    if not step.keeps and (overlaps(variables[step.t]) or same_memory(variables[step.t], variables[step.u])):
        return None  # what a write to memory that overlaps itself or its source does is nobody's promise
    try:
        with torch.set_grad_enabled(step.mode == "grad"):
            if step.keeps:
                result = eval(step.source, names)
            elif "=" in step.source.split("(")[0]:
                exec(step.source, names)
                result = None
            else:
                result = eval(step.source, names)
    except Exception as error:
        if LOUD:
            print(f"   {torch.__name__}: {type(error).__name__}: {str(error)[:200]}")
        if step.keeps:
            variables.append(variables[step.t])
        return "raises"
    if step.keeps:
        variables.append(result)
    if isinstance(result, (tuple, list)):
        return [None if g is None else g.tolist() for g in result]  # gradients may or may not be views of others
    return observe(result)


def refresh(t: Any) -> None:
    """Let a view whose base was modified renew its history: PyTorch takes such a view for a leaf until somebody looks."""
    with contextlib.suppress(RuntimeError):
        t.grad_fn  # noqa: B018


def overlaps(t: Any) -> bool:
    """Whether several elements share one place in memory."""
    return t.numel() > 0 and any(n > 1 and step == 0 for n, step in zip(t.shape, t.stride()))


def same_memory(t: Any, u: Any) -> bool:
    """Whether two tensors have elements in common."""
    return bool(np.shares_memory(t.detach().numpy(), u.detach().numpy()))


def observe(value: Any) -> Any:
    """What can be seen of a result."""
    if isinstance(value, (tuple, list)):
        return [observe(v) for v in value]
    if not hasattr(value, "requires_grad"):
        return value
    try:
        name = value.grad_fn.name() if value.grad_fn is not None else None
        name = "ViewBackward0" if name == "ReshapeAliasBackward0" else name  # a shortcut of PyTorch's reshape
    except RuntimeError:
        name = "error"
    return {
        "value": value.detach().tolist(),
        "shape": tuple(value.shape),
        "requires_grad": value.requires_grad,
        "node": name,
        "version": value._version,
        "view": value._is_view(),
        "grad": None if value.grad is None else value.grad.tolist(),
    }
