"""Elementwise operators with three tensors: interpolation, and products or quotients added to a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import COMPLEX, FLOATING, INTEGER, DType
from .._core.tensor_base import TensorBase
from .._record.common import cast_array, cast_grad, expand_to, is_number, python_number, result_type, sum_to
from .._record.general import General, general
from ..kernels import formulas
from .transcendental import conj

if TYPE_CHECKING:
    from .._core.dtypes import Number
    from .._tensor import Tensor


class Ternary(General):
    """Base of operators on tensors that are broadcast and promoted together.

    A subclass states the value, and in ``part`` the gradient of one operand before broadcasting is undone.
    """

    def __init__(self, tensors: list[TensorBase], dt: DType) -> None:
        self.sizes: Any = [t.shp for t in tensors]
        self.types: Any = [t.dt for t in tensors]
        self.common: DType = dt

    def value(self, arrays: list[Any]) -> Any:
        """Value for arrays of the common dtype."""
        raise NotImplementedError

    def part(self, i: int, grad: Tensor, tensors: list[Tensor]) -> Tensor:
        """Gradient of operand ``i``; ``tensors`` holds those that ``saves`` names, in the order of ``input_names``."""
        raise NotImplementedError

    def forward(self, arrays: list[Any]) -> Any:
        same = [cast_array(a, self.common) if a.dtype != self.common.np else a for a in arrays]
        try:
            return self.value(same)
        except ValueError:
            raise broadcast_error(self.sizes, errors.operator_name(self)) from None

    def saved(self) -> list[Any]:
        """The saved operands in the order of inputs, None for those that were not needed."""
        names = self.saves()
        return [self.tensor(n) if n in names else None for n in self.input_names()]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        tensors = self.saved()
        out: list[Tensor | None] = []
        for i in range(len(self.sizes)):
            if self.wanted(i):
                out.append(cast_grad(sum_to(self.part(i, grad, tensors), self.sizes[i]), self.types[i]))
            else:
                out.append(None)
        return out

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        total: Tensor | None = None
        for i, tangent in enumerate(tangents):
            if tangent is not None:
                wide = expand_to(cast_grad(tangent, self.common), results[0].shp)
                term = conj(self.part(i, conj(wide), inputs))
                total = term if total is None else total + term
        return [total]


class AddcmulBackward0(Ternary):
    """self + value * tensor1 * tensor2."""

    factor: Any = 1

    def input_names(self) -> list[str]:
        return ["self", "tensor1", "tensor2"]

    def saves(self) -> list[str]:
        return (["tensor1"] if self.wanted(2) else []) + (["tensor2"] if self.wanted(1) else [])

    def saved_names(self) -> list[str]:
        return ["tensor1", "tensor2", "value"]

    def parameters(self) -> dict[str, Any]:
        return {"value": self.factor}

    def value(self, arrays: list[Any]) -> Any:
        if arrays[0].dtype.char in "fd":
            if self.factor == 1:
                return formulas.add_product(arrays[0], arrays[1], arrays[2])
            return formulas.addcmul(arrays[0], arrays[1], arrays[2], float(self.factor))
        product = (
            arrays[1] * arrays[2] if self.factor == 1 else arrays[1] * arrays[0].dtype.type(self.factor) * arrays[2]
        )
        return arrays[0] + product

    def part(self, i: int, grad: Tensor, tensors: list[Tensor]) -> Tensor:
        if i == 0:
            return grad
        return grad * conj(tensors[3 - i] if self.factor == 1 else tensors[3 - i] * self.factor)


class AddcdivBackward0(Ternary):
    """self + value * tensor1 / tensor2."""

    factor: Any = 1

    def input_names(self) -> list[str]:
        return ["self", "tensor1", "tensor2"]

    def saves(self) -> list[str]:
        return (["tensor1"] if self.wanted(2) else []) + (["tensor2"] if self.wanted(1) or self.wanted(2) else [])

    def saved_names(self) -> list[str]:
        return ["tensor1", "tensor2", "value"]

    def parameters(self) -> dict[str, Any]:
        return {"value": self.factor}

    def value(self, arrays: list[Any]) -> Any:
        if arrays[0].dtype.char in "fd":
            if self.factor == 1:
                return formulas.add_quotient(arrays[0], arrays[1], arrays[2])
            return formulas.addcdiv(arrays[0], arrays[1], arrays[2], float(self.factor))
        scaled = arrays[1] if self.factor == 1 else arrays[1] * arrays[0].dtype.type(self.factor)
        return arrays[0] + scaled / arrays[2]

    def part(self, i: int, grad: Tensor, tensors: list[Tensor]) -> Tensor:
        if i == 0:
            return grad
        divisor = tensors[2]
        if i == 1:
            return grad * conj(divisor.reciprocal() * self.factor)
        return -grad * conj(tensors[1] * self.factor / (divisor * divisor))


class LerpBackward0(Ternary):
    """self + weight * (end - self) with a number as weight."""

    weight: Any = 0.5

    def input_names(self) -> list[str]:
        return ["self", "end"]

    def parameters(self) -> dict[str, Any]:
        return {"weight": self.weight}

    def value(self, arrays: list[Any]) -> Any:
        # From the nearer end: exact at weight 1 too. PyTorch switches at 1/2 as well.
        near = abs(self.weight) < 0.5
        x, end, weight = arrays[0], arrays[1], self.weight if near else 1 - self.weight
        if not near:
            x, end = end, x
        return formulas.lerp(x, end, float(weight)) if x.dtype.char in "fd" else x + (end - x) * x.dtype.type(weight)

    def part(self, i: int, grad: Tensor, tensors: list[Tensor]) -> Tensor:
        weight = self.weight.conjugate() if isinstance(self.weight, complex) else self.weight
        return grad * (1 - weight) if i == 0 else grad * weight


class LerpBackward1(Ternary):
    """self + weight * (end - self) with a tensor of weights."""

    def input_names(self) -> list[str]:
        return ["self", "end", "weight"]

    def saves(self) -> list[str]:
        ends = ["self", "end"] if self.wanted(2) else []
        return ends + (["weight"] if self.wanted(0) or self.wanted(1) else [])

    def saved_names(self) -> list[str]:
        return ["end", "self", "weight"]

    def value(self, arrays: list[Any]) -> Any:
        x, end, weight = arrays
        if x.dtype.char in "fd":
            return formulas.lerp_each(x, end, weight)
        step = end - x
        return np.where(np.absolute(weight) < 0.5, x + weight * step, end - step * (1 - weight))

    def part(self, i: int, grad: Tensor, tensors: list[Tensor]) -> Tensor:
        if i == 2:
            return grad * conj(tensors[1] - tensors[0])
        return grad * conj(1 - tensors[2] if i == 0 else tensors[2])


def broadcast_error(sizes: Any, name: str) -> RuntimeError:
    """Which two of the shapes do not broadcast."""
    shape = sizes[0]
    for other in sizes[1:]:
        try:
            shape = np.broadcast_shapes(shape, other)
        except ValueError:
            return errors.broadcast(shape, other, name)
    return RuntimeError(f"{name}: shapes do not broadcast")


def addcmul(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """self + value * tensor1 * tensor2, broadcast.

    Gradient:
        1, value * tensor2, value * tensor1.

    Variants: function method inplace out
    """
    tensors: list[TensorBase] = [self, tensor1, tensor2]
    op = AddcmulBackward0(tensors, result_type(list(tensors)))
    op.factor = factor_for(value, op.common)
    return general(op, tensors)


def addcdiv(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """self + value * tensor1 / tensor2, broadcast.

    Gradient:
        1, value / tensor2, -value * tensor1 / tensor2**2.

    Raises:
        RuntimeError: for two integer tensors.

    Variants: function method inplace out
    """
    if tensor1.dt.category <= INTEGER and tensor2.dt.category <= INTEGER:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true "
            "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * "
            "torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) "
            "for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / "
            "tensor2), for all dtypes."
        )
    tensors: list[TensorBase] = [self, tensor1, tensor2]
    op = AddcdivBackward0(tensors, result_type(list(tensors)))
    op.factor = factor_for(value, op.common)
    return general(op, tensors)


def factor_for(value: Any, dt: DType) -> Any:
    """``value`` as a number that ``dt`` can hold; integers truncate fractions, as in PyTorch."""
    number = python_number(value)
    return int(number) if dt.category <= INTEGER else number


def lerp(self: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    """Linear interpolation self + weight * (end - self).

    Args:
        self, end: tensors of one dtype, floating or complex.
        weight: number, or tensor of the same dtype.

    Gradient:
        1 - weight, weight, end - self.

    Raises:
        RuntimeError: for different dtypes.
        NotImplementedError: for integers.

    Variants: function method inplace out
    """
    if end.dt is not self.dt:
        raise RuntimeError(f"expected dtype {self.dt.c_name} for `end` but got dtype {end.dt.c_name}")
    if is_number(weight):
        if self.dt.category < FLOATING:
            raise errors.not_implemented("lerp_kernel_scalar", self.dt)
        if isinstance(weight, complex) and self.dt.category < COMPLEX:
            raise RuntimeError("lerp: a complex weight needs complex tensors")
        tensors: list[TensorBase] = [self, end]
        by_number = LerpBackward0(tensors, self.dt)
        by_number.weight = python_number(weight)
        return general(by_number, tensors)
    if not isinstance(weight, TensorBase):
        raise errors.argument_type("lerp", "weight", 3, "Tensor", weight)
    if weight.dt is not self.dt:
        raise RuntimeError(f"expected dtype {self.dt.c_name} for `weight` but got dtype {weight.dt.c_name}")
    if self.dt.category < FLOATING:
        raise errors.not_implemented("lerp_kernel_tensor", self.dt)
    tensors = [self, end, weight]
    return general(LerpBackward1(tensors, self.dt), tensors)
