"""Random smooth programs: functions of one tensor, made of operators of the library, that can be printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg

# ``x`` and ``y`` are earlier values of the program, ``w`` is a constant of the shape of the input; results have that shape and
# stay of order one, so that high derivatives do too.
SCALAR_STEPS = (
    "x.tanh()", "x.sin()", "x.cos()", "x.sigmoid()", "(x * 0.5).exp()", "(2 + x.tanh()).log()", "(1 + x * x).sqrt()",
    "x / (1 + x * x)", "(1 + x * x).reciprocal()", "x.atan()", "x.erf()", "(x * 0.3) ** 3", "nn.softplus(x)", "nn.gelu(x)",
    "nn.silu(x)", "x * y", "x + w * y", "x - y", "(2 + x.sin()) / (2 + y.cos())", "(1.5 + x.tanh()) ** y.tanh()",
    "x.asinh()", "(x * 0.5).sinh()", "torch.expm1(x * 0.5)", "torch.log1p(x * x)", "torch.lerp(x, y, 0.3)",
    "torch.where(x > 0.1, x * y, x.sin())", "torch.logaddexp(x, y)", "torch.atan2(x, 2 + y * y)",
)  # fmt: skip
VECTOR_STEPS = (
    "x.softmax(0) * w", "x.flip(0).cumsum(0) * 0.3", "x[[2, 0, 1]] * y.norm()", "(w.outer(x) * 0.3) @ y",
    "torch.stack([x, y]).logsumexp(0)", "torch.cat([x[1:], y[:1]])", "x.reshape(3, 1).mul(w).sum(0) * 0.3",
    "x * y.mean()", "torch.einsum('i,j->i', x, y) * 0.3", "(x.outer(y) * 0.2).exp().sum(1) * 0.2",
)  # fmt: skip


class Program:
    """A function of one tensor, and a place.

    Attributes:
        text: the program, one line for each step.
        x: where to evaluate it.
    """

    def __init__(self, seed: int, shape: tuple[int, ...] = (), length: int = 4) -> None:
        rng = np.random.default_rng(seed)
        steps = SCALAR_STEPS + (VECTOR_STEPS if shape == (3,) else ())
        lines = []
        for k in range(length):
            step = steps[rng.integers(len(steps))]
            names = {"x": f"v{k}", "y": f"v{rng.integers(max(k, 1))}"}
            words = [names.get(w, w) for w in _words(step)]
            lines.append(f"v{k + 1} = {''.join(words)}")
        self.seed = seed
        self.text = "\n".join([*lines, f"v = v{length}"])
        self.x = wg.tensor(rng.uniform(-0.8, 0.8, shape))
        self.w = wg.tensor(rng.uniform(0.3, 0.9, shape))
        self.code = compile(self.text, f"program {seed}", "exec")

    def __call__(self, x: Any) -> Any:
        names = {"v0": x, "w": self.w, "torch": wg, "nn": wg.nn.functional}
        exec(self.code, names)
        return names["v"]

    def __repr__(self) -> str:
        return f"program {self.seed}: {self.text}".replace("\n", "; ")


def _words(text: str) -> list[str]:
    """The text cut into names and what stands between them."""
    words = [""]
    for a, b in zip(text, text[1:] + " ", strict=True):
        words[-1] += a
        if a.isidentifier() != b.isidentifier() or not a.isidentifier():
            words.append("")
    return [w for w in words if w]


def scalar_of(program: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The sum of all elements of the value."""
    return lambda x: program(x).sum()
