"""Numerical against analytical derivatives: element by element (slow), or between random vectors (fast)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._gen.functions import complex as complex_of
from .._gen.functions import from_numpy
from . import gradcheck_jacobians as jacobians
from .gradcheck_jacobians import Array, GradcheckError, TensorFunction, Tensors


@dataclass
class Check:
    """One comparison: the function, what it is called with, and how exact it must be.

    ``func`` gives a tuple of floating or complex tensors; ``outputs`` are those of the unmoved inputs. ``part`` is the
    part ("real", "imaginary") of the complex inputs or outputs that is considered, ``parted`` their positions.
    """

    func: TensorFunction
    inputs: Sequence[Any]
    outputs: Tensors
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_grad_dtypes: bool
    fast_mode: bool
    part: str = ""
    parted: tuple[int, ...] = ()

    def wanted(self) -> list[int]:
        """The positions of the inputs that require grad."""
        return [j for j, x in enumerate(self.inputs) if jacobians.requires_grad(x)]

    def close(self, a: Array, n: Array, atol: float | None = None) -> bool:
        """Whether the analytical value is near the numerical one everywhere; NaN never is."""
        return bool(np.allclose(a, n, rtol=self.rtol, atol=self.atol if atol is None else atol))

    def backward_attributes(self, first: Tensors, second: Tensors, inputs: Tensors) -> None:
        """Dtype, size and repeatability of gradients."""
        for g, again, x in zip(first, second, inputs, strict=True):
            if g is None or again is None:
                continue
            if self.check_grad_dtypes and g.dtype != x.dtype:
                raise GradcheckError(f"Gradient has dtype mismatch: {g.dtype} for an input of {x.dtype}")
            if g.shape != x.shape:
                raise GradcheckError(f"Analytical gradient has incorrect size: {g.shape} for an input of {x.shape}")
            a, b = jacobians.array_of(g), jacobians.array_of(again)
            if not np.allclose(a, b, rtol=0.0, atol=self.nondet_tol, equal_nan=True):
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives "
                    "different values, although analytical gradient matches numerical gradient."
                    f"The tolerance for nondeterminism was {self.nondet_tol}.\n"
                    f"The largest difference was {np.abs(a - b).max()}. If this is meant to be so (random numbers, a changing "
                    "order of sums), pass a larger nondet_tol."
                )

    def forward_attributes(self, tangents: Tensors, outputs: Tensors) -> None:
        """Dtype of tangents."""
        for t, out in zip(tangents, outputs, strict=True):
            if self.check_grad_dtypes and t is not None and t.dtype != out.dtype:
                raise GradcheckError("Forward AD gradient has dtype mismatch.")

    def mismatch(self, a: Array, n: Array, i: int, j: int, forward: bool) -> str:
        """The sentence about two matrices, or values, that differ."""
        considered = ""
        if (j if forward else i) in self.parted:
            side = "inputs" if forward else "outputs"
            considered = f"While considering the {self.part} part of complex {side} only, "
        mode = "computed with forward mode " if forward else ""
        return (
            f"{considered}Jacobian {mode}mismatch for output {i} with respect to input {j},\n"
            f"numerical:{_text(n)}\nanalytical:{_text(a)}\n"
        )


def _text(values: Array) -> str:
    return str(from_numpy(np.asarray(values)))


# Parts of complex outputs and inputs: differences are along the real line


def run_backward(check: Check) -> None:
    """Compare by backward passes; complex outputs by their imaginary and their real part."""
    parted = tuple(i for i, out in enumerate(check.outputs) if out.is_complex())
    for part in ("imaginary", "real") if parted else ("",):
        view = _of_part(check.func, part) if part else check.func
        outputs = view(*check.inputs) if part else check.outputs
        _by_mode(replace(check, func=view, outputs=outputs, part=part, parted=parted), forward=False)


def run_forward(check: Check) -> None:
    """Compare by forward mode; complex inputs by their imaginary and their real part."""
    parted = tuple(j for j, x in enumerate(check.inputs) if jacobians.requires_grad(x) and x.is_complex())
    numbers = tuple(k for k, j in enumerate(check.wanted()) if j in parted)
    for part in ("imaginary", "real") if parted else ("",):
        if not part:
            _by_mode(check, forward=True)
            continue
        fixed = {j: check.inputs[j].detach() for j in parted}
        inputs = [_part_leaf(x, part) if j in fixed else x for j, x in enumerate(check.inputs)]
        view = _with_part(check.func, fixed, part)
        at_part = replace(check, func=view, inputs=inputs, outputs=view(*inputs), part=part, parted=numbers)
        _by_mode(at_part, forward=True)


def _of_part(func: TensorFunction, part: str) -> TensorFunction:
    """The function with a part of its complex outputs in their place."""

    def parts(*inputs: Any) -> tuple[Any, ...]:
        return tuple(_part(out, part) if out.is_complex() else out for out in func(*inputs))

    return parts


def _with_part(func: TensorFunction, fixed: dict[int, Any], part: str) -> TensorFunction:
    """The function of a part of its complex inputs; their other part is fixed."""

    def whole(*inputs: Any) -> Any:
        args = list(inputs)
        for j, z in fixed.items():
            args[j] = complex_of(args[j], z.imag) if part == "real" else complex_of(z.real, args[j])
        return func(*args)

    return whole


def _part(t: Any, part: str) -> Any:
    return t.real if part == "real" else t.imag


def _part_leaf(z: Any, part: str) -> Any:
    return _part(z.detach(), part).clone().requires_grad_()


def _by_mode(check: Check, forward: bool) -> None:
    """The slow or the fast comparison."""
    if check.fast_mode:
        _fast(check, forward)
    else:
        _slow(check, forward)


# Element by element


def _matrices(check: Check, forward: bool) -> tuple[list[list[Array]], list[list[Array]]]:
    """Numerical and analytical matrices: for each input that requires grad, one per output."""
    wanted = check.wanted()
    n = [jacobians.numerical(check.func, check.inputs, check.inputs[j], check.eps) for j in wanted]
    if forward:
        attributes = check.forward_attributes
        return n, [jacobians.forward(check.func, check.inputs, check.outputs, j, attributes) for j in wanted]
    leaves = [check.inputs[j] for j in wanted]
    a = [jacobians.analytical(leaves, out, check.backward_attributes) for out in check.outputs]
    return n, [list(column) for column in zip(*a, strict=True)]


def _slow(check: Check, forward: bool) -> None:
    """Compare all elements of all matrices."""
    n, a = _matrices(check, forward)
    for i in range(len(check.outputs)):
        for j in range(len(n)):
            if not check.close(a[j][i], n[j][i]):
                raise GradcheckError(check.mismatch(a[j][i], n[j][i], i, j, forward))


# Between random vectors


def _fast(check: Check, forward: bool) -> None:
    """Compare v J u for one random u per input and one random v per output.

    With unit vectors an error in a single element is a small part of the sum, which is why the tolerance follows the
    sums of |u| and |v|: elements that pass the slow comparison pass here.
    """
    rng = np.random.default_rng(0)  # fixed: a check must not fail at random
    wanted = check.wanted()
    us = [_unit(rng, check.inputs[j]) for j in wanted]
    vs = [_unit(rng, out) for out in check.outputs]
    n = _numerical_products(check, wanted, us, vs)
    a = _forward_products(check, wanted, us, vs) if forward else _backward_products(check, wanted, us, vs)
    for i, v in enumerate(vs):
        for j, u in enumerate(us):
            if not check.close(a[i][j], n[i][j], check.atol * np.abs(u).sum() * np.abs(v).sum()):
                raise GradcheckError(_fast_text(check, a[i][j], n[i][j], i, j, forward))


def _unit(rng: np.random.Generator, t: Any) -> Array:
    """A random direction like ``t``, flat."""
    u = rng.normal(size=t.numel())
    if t.is_complex():
        u = u + 1j * rng.normal(size=t.numel())
    return u / max(np.linalg.norm(u), 1e-300)


def _numerical_products(check: Check, wanted: list[int], us: list[Array], vs: list[Array]) -> list[list[Any]]:
    """v . dout/du by central differences, by output and input."""
    columns = [
        jacobians.numerical_along(check.func, check.inputs, check.inputs[j], u, check.eps)
        for j, u in zip(wanted, us, strict=True)
    ]
    return [[v @ column[i] for column in columns] for i, v in enumerate(vs)]


def _backward_products(check: Check, wanted: list[int], us: list[Array], vs: list[Array]) -> list[list[Any]]:
    """The same by one vector-Jacobian product per output; Re(conj(g) u) is the change along a complex u."""
    leaves = [check.inputs[j] for j in wanted]
    rows = [
        jacobians.vector_product(leaves, out, v, check.backward_attributes)
        for out, v in zip(check.outputs, vs, strict=True)
    ]
    return [[np.vdot(g, u).real for g, u in zip(row, us, strict=True)] for row in rows]


def _forward_products(check: Check, wanted: list[int], us: list[Array], vs: list[Array]) -> list[list[Any]]:
    """The same by one forward pass per input."""
    columns = [
        jacobians.forward_along(check.func, check.inputs, check.outputs, j, u, check.forward_attributes)
        for j, u in zip(wanted, us, strict=True)
    ]
    return [[v @ column[i] for column in columns] for i, v in enumerate(vs)]


def _fast_text(check: Check, a: Any, n: Any, i: int, j: int, forward: bool) -> str:
    """The mismatch, and the matrices behind it."""
    slow_n, slow_a = (matrices[j][i] for matrices in _matrices(check, forward))
    text = (
        check.mismatch(a, n, i, j, forward)
        + "\nThe above quantities relating the numerical and analytical jacobians are computed \nin fast mode. "
        "Below, we recompute numerical and analytical jacobians in slow mode:\n\n"
        f"Numerical:\n {_text(slow_n)}\nAnalytical:\n{_text(slow_a)}\n\n"
        f"The max per-element difference (slow mode) is: {np.abs(slow_n - slow_a).max()}.\n"
    )
    if check.close(slow_a, slow_n):
        text += (
            "\nFast gradcheck failed but element-wise differences are small. The derivatives change quickly along the random "
            "direction; pass fast_mode=False, or move the inputs away from where they do.\n"
        )
    return text


# No differentiable output


def run_zero(check: Check) -> None:
    """Outputs without a graph must not move with the inputs."""
    for j in check.wanted():
        x = check.inputs[j]
        if check.fast_mode:
            u = _unit(np.random.default_rng(0), x)
            moves = jacobians.numerical_along(check.func, check.inputs, x, u, check.eps)
            still = all(check.close(move, 0.0) for move in moves)
        else:
            moves = jacobians.numerical(check.func, check.inputs, x, check.eps)
            still = not any(np.any(move) for move in moves)
        if not still:
            raise GradcheckError("Numerical gradient for function expected to be zero")
