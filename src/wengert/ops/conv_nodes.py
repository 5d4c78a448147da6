"""Convolution and its gradients as operators. Arguments are checked in ``conv``, arrays computed in ``conv_arrays``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.tensor_base import TensorBase
from .._record.common import make
from .._record.general import General, general, general_many
from ..kernels import array_sum
from .conv_arrays import Sweep, convolved, input_gradient, sweep_of, weight_gradient
from .sizes import count

if TYPE_CHECKING:
    from .._tensor import Tensor


class Rule:
    """What a convolution is beside its operands: one number per spatial dimension, and the groups of channels."""

    def __init__(
        self,
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
    ) -> None:
        self.stride: tuple[int, ...] = stride
        self.padding: tuple[int, ...] = padding
        self.dilation: tuple[int, ...] = dilation
        self.transposed: bool = transposed
        self.output_padding: tuple[int, ...] = output_padding
        self.groups: int = groups

    def parameters(self) -> dict[str, Any]:
        """PyTorch's names of the numbers, as nodes show them."""
        return {
            "dilation": self.dilation,
            "groups": self.groups,
            "output_padding": self.output_padding,
            "padding": self.padding,
            "stride": self.stride,
            "transposed": self.transposed,
        }

    def out_size(self, size: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
        """Spatial size of the result."""
        sizes = []
        for i, (n, k) in enumerate(zip(size, kernel, strict=True)):
            s, p, reach = self.stride[i], self.padding[i], self.dilation[i] * (k - 1)
            if self.transposed:
                sizes.append((n - 1) * s - 2 * p + reach + self.output_padding[i] + 1)
            else:
                sizes.append((n + 2 * p - reach - 1) // s + 1)
        return tuple(sizes)

    def sweep(self, large: tuple[int, ...], kernel: tuple[int, ...], small: tuple[int, ...]) -> Sweep:
        """The windows over the side with padding: the input, or the result when transposed."""
        return sweep_of(large, kernel, small, self.stride, self.padding, self.dilation, self.groups)

    def value(self, x: Any, weight: Any, bias: Any) -> Any:
        """The convolution of arrays; a transposed one is the input gradient of a plain one."""
        kernel = weight.shape[2:]
        out = self.out_size(x.shape[2:], kernel)
        if not self.transposed:
            return convolved(x, weight, bias, self.sweep(x.shape[2:], kernel, out))
        channels = weight.shape[1] * self.groups
        if count(out) == 0 or x.size == 0:
            y = np.zeros((x.shape[0], channels, *out), x.dtype)
        else:
            y = input_gradient(x, weight, channels, self.sweep(out, kernel, x.shape[2:]))
        if bias is not None:
            y += bias.reshape(channels, *[1] * len(kernel))
        return y

    def grad_input(self, grad: Any, weight: Any, shape: tuple[int, ...]) -> Any:
        """Gradient of an input of this shape."""
        size, kernel = shape[2:], weight.shape[2:]
        if grad.size == 0:
            return np.zeros(shape, grad.dtype)
        if self.transposed:
            return convolved(grad, weight, None, self.sweep(grad.shape[2:], kernel, size))
        return input_gradient(grad, weight, shape[1], self.sweep(size, kernel, grad.shape[2:]))

    def grad_weight(self, grad: Any, x: Any, shape: tuple[int, ...]) -> Any:
        """Gradient of a weight of this shape."""
        if grad.size == 0 or x.size == 0:
            return np.zeros(shape, grad.dtype)
        if self.transposed:
            return weight_gradient(x, grad, self.sweep(grad.shape[2:], shape[2:], x.shape[2:]))
        return weight_gradient(grad, x, self.sweep(x.shape[2:], shape[2:], grad.shape[2:]))


def precise(array: Any) -> Any:
    """Half precision as float32: sums are rounded once, at the end."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


class ConvolutionBackward0(General):
    """Convolution with a bias (of size 0 for none).  It is linear in input and weight each."""

    def __init__(self, rule: Rule, bias_size: tuple[int, ...]) -> None:
        self.rule: Rule = rule
        self.bias_size: tuple[int, ...] = bias_size

    def input_names(self) -> list[str]:
        return ["input", "weight", "bias"]

    def forward(self, arrays: list[Any]) -> Any:
        x, weight, bias = arrays
        with_bias = None if self.bias_size == (0,) else precise(bias)
        return self.rule.value(precise(x), precise(weight), with_bias).astype(x.dtype, copy=False)

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        wanted = [self.wanted(0), self.wanted(1), self.wanted(2)]
        return convolution_gradients(self.rule, wanted, grad, self.tensor("input"), self.tensor("weight"))

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        dx, dw, db = tangents
        total = None if db is None else spread(db, results[0])
        if dx is not None:
            total = plus(total, convolve(self.rule, dx, inputs[1]))
        if dw is not None:
            total = plus(total, convolve(self.rule, inputs[0], dw))
        return [total]

    def saves(self) -> list[str]:
        return ["input", "weight"]

    def parameters(self) -> dict[str, Any]:
        return {"bias_sym_sizes_opt": self.bias_size, **self.rule.parameters()}

    def saved_names(self) -> list[str]:
        names = ["bias_sym_sizes_opt", "dilation", "groups", "output_padding", "padding", "stride", "transposed"]
        return [*names, "input", "weight"]


class ConvolutionBackwardBackward0(General):
    """Gradients of a convolution as an operator: those of input, weight and bias that are wanted, in this order."""

    def __init__(self, rule: Rule, wanted: list[bool]) -> None:
        self.rule: Rule = rule
        self.wanted_grads: list[bool] = wanted

    def input_names(self) -> list[str]:
        return ["grad_output", "input", "weight"]

    def forward(self, arrays: list[Any]) -> Any:
        given = arrays[0].dtype
        grad, x, weight = [precise(a) for a in arrays]
        rule, wanted = self.rule, self.wanted_grads
        found = []
        if wanted[0]:
            found.append(rule.grad_input(grad, np.conj(weight) if given.kind == "c" else weight, x.shape))
        if wanted[1]:
            found.append(rule.grad_weight(grad, np.conj(x) if given.kind == "c" else x, weight.shape))
        if wanted[2]:
            found.append(array_sum(grad, (0, *range(2, grad.ndim)), False))
        return [a.astype(given, copy=False) for a in found]

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        rule = self.rule
        grad, x, weight = self.tensor("grad_output"), self.tensor("input"), self.tensor("weight")
        gx, gw, gb = self.placed(grads)
        found: list[Tensor | None] = [None, None, None]
        if self.wanted(0):
            found[0] = None if gb is None else spread(gb, grad)
            found[0] = found[0] if gx is None else plus(found[0], convolve(rule, gx, weight))
            found[0] = found[0] if gw is None else plus(found[0], convolve(rule, x, gw))
        if self.wanted(1) and gw is not None:
            found[1] = convolution_gradients(rule, [True, False, False], grad, x, gw)[0]
        if self.wanted(2) and gx is not None:
            found[2] = convolution_gradients(rule, [False, True, False], grad, gx, weight)[1]
        return found

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        dgrad, dx, dw = tangents
        grad, x, weight = inputs
        rule = self.rule
        total: list[Tensor | None] = [None, None, None]
        if dgrad is not None:
            total = convolution_gradients(rule, self.wanted_grads, dgrad, x, weight)
        if dw is not None and self.wanted_grads[0]:
            total[0] = plus(total[0], convolution_gradients(rule, [True, False, False], grad, x, dw)[0])
        if dx is not None and self.wanted_grads[1]:
            total[1] = plus(total[1], convolution_gradients(rule, [False, True, False], grad, dx, weight)[1])
        return [t for t, wanted in zip(total, self.wanted_grads, strict=True) if wanted]

    def placed(self, parts: list[Tensor | None]) -> list[Tensor | None]:
        """What belongs to the wanted gradients, with None for those that are not."""
        rest = iter(parts)
        return [next(rest) if wanted else None for wanted in self.wanted_grads]

    def saves(self) -> list[str]:
        return ["grad_output", "input", "weight"]

    def parameters(self) -> dict[str, Any]:
        return self.rule.parameters()


def convolve(rule: Rule, x: TensorBase, weight: TensorBase) -> Tensor:
    """The convolution without bias."""
    return general(ConvolutionBackward0(rule, (0,)), [x, weight, make(np.empty(0, x.dt.np))])


def convolution_gradients(
    rule: Rule, wanted: list[bool], grad: TensorBase, x: TensorBase, weight: TensorBase
) -> list[Tensor | None]:
    """Gradients of input, weight and bias, None for those that are not wanted."""
    op = ConvolutionBackwardBackward0(rule, wanted)
    found: list[Tensor | None] = list(general_many(op, [grad, x, weight]))
    return op.placed(found)


def spread(bias: Tensor, like: TensorBase) -> Tensor:
    """A value per channel in the shape of the result."""
    return bias.reshape(bias.shp[0], *[1] * (len(like.shp) - 2)).expand(like.shp)


def plus(total: Tensor | None, part: Tensor | None) -> Tensor | None:
    """The sum of what is there."""
    if total is None or part is None:
        return part if total is None else total
    return total + part
