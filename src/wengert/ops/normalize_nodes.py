"""Graph nodes of the normalisations of layers, batches and groups, and of their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core.tensor_base import TensorBase
from .._record.common import make
from .._record.general import General, general_many
from .normalize_kernels import fused_gradients, has_kernel, normalized, standardized_by
from .normalize_parts import Frame, array_gradients, laid_like, scaled, standardize, wide

if TYPE_CHECKING:
    from .._tensor import Tensor

NAMES: Final = ("input", "weight", "bias")


class Normalization(General):
    """Base: standardised values, times weight, plus bias.  The gradient of x is r P(w grad), see normalize_parts.

    The inputs are input, weight and bias, then ``running_mean`` and ``running_var`` if any. ``given`` says which of the first
    three are there: for the others stands a tensor without elements, so that all nodes have three edges.
    """

    def __init__(self, frame: Frame, given: list[bool], running: bool) -> None:
        self.frame: Frame = frame
        self.given: list[bool] = given
        self.running: bool = running
        self.mean: Any = None
        self.variance: Any = None

    def input_names(self) -> list[str]:
        return [*NAMES, "running_mean", "running_var"] if self.running else list(NAMES)

    def output_names(self) -> list[str]:
        return ["result0", "result1", "result2"]

    def differentiable_inputs(self, count: int) -> int:
        return 3

    def differentiable_outputs(self) -> list[bool]:
        return [True, False, False]

    def saves(self) -> list[str]:
        found = ["input", "weight"] if self.given[1] else ["input"]
        return [*found, *self.input_names()[3:], "result1", "result2"]

    def saved_names(self) -> list[str]:
        return [*self.parameters(), "input", "weight", "result1", "result2"]

    def gradient_node(self) -> NormalizationBackward:
        """The operator that computes the gradients."""
        raise NotImplementedError

    def stat_shape(self) -> tuple[int, ...]:
        """Shape of the saved means and scales."""
        raise NotImplementedError

    def optional(self, values: list[Any], part: int) -> Any:
        """Weight (1) or bias (2) if given, or None."""
        return values[part] if self.given[part] else None

    def forward(self, arrays: list[Any]) -> Any:
        frame = self.frame
        x = arrays[0]
        weight = self.optional(arrays, 1)
        bias = self.optional(arrays, 2)
        seen = x.reshape(frame.work)
        if has_kernel(x, weight, bias):
            return self.forward_fused(x, seen, weight, bias)
        if frame.fixed:
            kind = wide(x)
            scale = 1.0 / np.sqrt(np.asarray(self.variance, np.float64) + frame.eps)
            s = np.subtract(
                seen, np.reshape(self.mean, frame.stats), out=np.empty(frame.work, kind), casting="same_kind"
            )
            s *= np.reshape(scale, frame.stats)
            mean = scale = np.empty(0, x.dtype)
        else:
            s, self.mean, self.variance = standardize(seen, frame)
            kind = wide(x) if weight is None or weight.dtype == x.dtype else weight.dtype
            mean = self.mean.reshape(self.stat_shape()).astype(kind)
            scale = (1.0 / np.sqrt(self.variance + frame.eps)).reshape(self.stat_shape()).astype(kind)
        y = scaled(s, weight, bias, frame.weights).reshape(x.shape).astype(x.dtype, copy=False)
        return [laid_like(y, x), mean, scale]

    def forward_fused(self, x: Any, seen: Any, weight: Any, bias: Any) -> Any:
        """``forward`` by way of kernels."""
        frame = self.frame
        if frame.fixed:
            scale = (1.0 / np.sqrt(np.asarray(self.variance, np.float64) + frame.eps)).astype(x.dtype)
            y = standardized_by(frame, seen, np.asarray(self.mean, x.dtype), scale, weight, bias)
            mean = scale = np.empty(0, x.dtype)
        else:
            y, self.mean, self.variance, scale = normalized(frame, seen, weight, bias)
            mean = self.mean.reshape(self.stat_shape())
            scale = scale.reshape(self.stat_shape())
        return [laid_like(y.reshape(x.shape), x), mean, scale]

    def statistics(self, dt: Any) -> tuple[Tensor, Tensor]:
        """Mean and scale of the groups as constants."""
        if self.frame.fixed:
            scale = 1.0 / np.sqrt(np.asarray(self.variance, np.float64) + self.frame.eps)
            kind = np.float32 if dt.np == np.float16 else dt.np
            return make(np.asarray(self.mean).astype(kind)), make(scale.astype(kind))
        return self.tensor("result1").detach(), self.tensor("result2").detach()

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        found: list[Tensor | None] = [None, None, None]
        if grad is None:
            return found
        op = self.gradient_node()
        op.wanted_parts = [self.wanted(part) for part in range(3)]
        x = self.tensor("input")
        mean, scale = self.statistics(x.dt)
        inputs: list[TensorBase] = [grad, x]
        if self.given[1]:
            inputs.append(self.tensor("weight"))
            op.weighted = True
        values = general_many(op, [*inputs, mean, scale])
        for place, part in enumerate(op.parts()):
            found[part] = values[place]
        return found

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        frame = self.frame
        dx = tangents[0]
        dw = self.optional(tangents, 1)
        db = self.optional(tangents, 2)
        x = inputs[0].reshape(frame.work)
        mean, scale = results[1], results[2]
        if frame.fixed:
            mean, scale = self.statistics(inputs[0].dt)
        s, r = frame.standard(x, mean.detach(), scale.detach())
        total: Tensor | None = None
        if dx is not None:
            total = r * frame.project(dx.reshape(frame.work), s)
            if self.given[1]:
                total = total * inputs[1].reshape(frame.weights)
        if dw is not None:
            part = s * dw.reshape(frame.weights)
            total = part if total is None else total + part
        if db is not None:
            part = db.reshape(frame.weights).expand(frame.work)
            total = part if total is None else total + part
        return [None if total is None else total.reshape(inputs[0].shp), None, None]


class NormalizationBackward(General):
    """Base: the gradients of a normalisation, as an operator of grad, x and weight.

    Attributes:
        wanted_parts: which of the gradients of input, weight and bias are computed.
        weighted: whether there is a weight among the inputs.
        affine: shape of weight and bias.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame: Frame = frame
        self.wanted_parts: list[bool] = [False, False, False]
        self.weighted: bool = False
        self.affine: tuple[int, ...] = (-1,)

    def parts(self) -> list[int]:
        """Numbers of the gradients that are computed."""
        return [i for i in range(3) if self.wanted_parts[i]]

    def input_names(self) -> list[str]:
        return ["grad_out", "input", *(["weight"] if self.weighted else []), "mean", "rstd"]

    def output_names(self) -> list[str]:
        return ["result0", "result1", "result2"]

    def differentiable_inputs(self, count: int) -> int:
        return count - 2

    def saves(self) -> list[str]:
        return self.input_names()

    def forward(self, arrays: list[Any]) -> Any:
        grad, x = arrays[0], arrays[1]
        weight = arrays[2] if self.weighted else None
        fused = has_kernel(x, grad, weight, arrays[-2], arrays[-1])
        gradients = fused_gradients if fused else array_gradients
        values = gradients(self.frame, grad, x, weight, arrays[-2], arrays[-1], self.wanted_parts)
        kind = x.dtype if weight is None else weight.dtype
        found: list[Any] = []
        for i in self.parts():
            value = values[i]
            if i == 0:
                found.append(laid_like(value.reshape(x.shape).astype(x.dtype, copy=False), x))
            else:
                found.append(np.asarray(value).reshape(self.affine).astype(kind, copy=False))
        return found

    def operands(self, grad: Tensor, x: Tensor, weight: Any) -> tuple[Tensor, Tensor, Any]:
        """Inputs in the shape of the frame."""
        frame = self.frame
        return (
            grad.reshape(frame.work),
            x.reshape(frame.work),
            weight.reshape(frame.weights) if weight is not None else None,
        )

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        frame = self.frame
        saved = self.tensor("weight") if self.weighted else None
        grad, x, weight = self.operands(self.tensor("grad_out"), self.tensor("input"), saved)
        s, r = frame.standard(x, self.tensor("mean"), self.tensor("rstd"))
        u, v, c = self.cotangents(grads)
        g_grad: Tensor | None = None
        g_x: Tensor | None = None
        g_w: Tensor | None = None
        if u is not None:
            step = r * frame.project(u, s)
            g_grad = step if weight is None else step * weight
            g_w = frame.summed_up(grad * step)
            if not frame.fixed:
                g_x = self.curvature(u, grad if weight is None else grad * weight, s, r)
        if v is not None:
            part = r * frame.project(v * grad, s)
            g_x = part if g_x is None else g_x + part
            g_grad = v * s if g_grad is None else g_grad + v * s
        if c is not None:
            g_grad = c.expand(frame.work) if g_grad is None else g_grad + c
        found = [shaped(g_grad, self.tensor("grad_out")), shaped(g_x, self.tensor("input"))]
        if saved is not None:
            found.append(shaped(g_w, saved))
        return found

    def cotangents(self, grads: list[Tensor | None]) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """What arrives for the gradients of input, weight and bias, in the shape of the frame."""
        found: list[Tensor | None] = [None, None, None]
        parts = self.parts()
        for i in range(len(parts)):
            grad = grads[i]
            if grad is not None:
                found[parts[i]] = grad.reshape(self.frame.work if parts[i] == 0 else self.frame.weights)
        return found[0], found[1], found[2]

    def curvature(self, u: Tensor, q: Tensor, s: Tensor, r: Tensor) -> Tensor:
        """Gradient with respect to x of the sum of u r P(q)."""
        frame = self.frame
        p = frame.project(q, s)
        total = s * frame.mean(u * p) + frame.mean(q * s) * frame.project(u, s) + frame.mean(u * s) * p
        found: Tensor = -(r * r) * total
        return found

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        frame = self.frame
        grad, x, weight = self.operands(inputs[0], inputs[1], inputs[2] if self.weighted else None)
        s, r = frame.standard(x, inputs[-2], inputs[-1])
        zero = x.new_zeros(frame.work)
        dg = zero if tangents[0] is None else tangents[0].reshape(frame.work)
        dx = zero if tangents[1] is None else tangents[1].reshape(frame.work)
        ds = r * frame.project(dx, s)
        q, dq = grad, dg
        if weight is not None:
            tangent = tangents[2]
            q, dq = grad * weight, dg * weight
            if tangent is not None:
                dq = dq + grad * tangent.reshape(frame.weights)
        step = r * frame.project(dq, s)
        if not frame.fixed:
            dr = -(r * r) * frame.mean(s * dx)
            step = step + dr * frame.project(q, s) - r * (ds * frame.mean(q * s) + s * frame.mean(q * ds))
        values = [step, frame.summed_up(dg * s + grad * ds), frame.summed_up(dg)]
        return [values[part].reshape(results[i].shp) for i, part in enumerate(self.parts())]


def shaped(grad: Tensor | None, like: Tensor) -> Tensor | None:
    """A gradient in the shape of its tensor."""
    return None if grad is None else grad.reshape(like.shp)


class NativeLayerNormBackward0(Normalization):
    """Rows standardised: the last dimensions form a group."""

    def __init__(self, frame: Frame, given: list[bool], shape: tuple[int, ...], lead: tuple[int, ...]) -> None:
        Normalization.__init__(self, frame, given, False)
        self.normalized_shape: tuple[int, ...] = shape
        self.lead: tuple[int, ...] = lead

    def gradient_node(self) -> NormalizationBackward:
        op = NativeLayerNormBackwardBackward0(self.frame)
        op.affine = self.normalized_shape
        return op

    def stat_shape(self) -> tuple[int, ...]:
        return self.lead + (1,) * len(self.normalized_shape)

    def saves(self) -> list[str]:
        return [*[NAMES[part] for part in range(3) if self.given[part]], "result1", "result2"]

    def saved_names(self) -> list[str]:
        return ["normalized_shape", "input", "weight", "bias", "result1", "result2"]

    def parameters(self) -> dict[str, Any]:
        return {"normalized_shape": self.normalized_shape}


class NativeLayerNormBackwardBackward0(NormalizationBackward):
    """Gradients of layer normalisation."""


class NativeBatchNormBackward0(Normalization):
    """Channels standardised, with the statistics of the batch or with given ones."""

    def gradient_node(self) -> NormalizationBackward:
        return NativeBatchNormBackwardBackward0(self.frame)

    def stat_shape(self) -> tuple[int, ...]:
        return (self.frame.work[1],)

    def saved_names(self) -> list[str]:
        return [*self.parameters(), "input", "weight", "running_mean", "running_var", "result1", "result2"]

    def parameters(self) -> dict[str, Any]:
        return {"eps": self.frame.eps, "training": not self.frame.fixed}


class NativeBatchNormBackwardBackward0(NormalizationBackward):
    """Gradients of batch normalisation."""


class NativeGroupNormBackward0(Normalization):
    """Groups of channels standardised, row by row."""

    def __init__(self, frame: Frame, given: list[bool], channels: int) -> None:
        Normalization.__init__(self, frame, given, False)
        self.channels: int = channels

    def gradient_node(self) -> NormalizationBackward:
        return NativeGroupNormBackwardBackward0(self.frame)

    def stat_shape(self) -> tuple[int, ...]:
        return (self.frame.work[0], self.frame.work[1])

    def parameters(self) -> dict[str, Any]:
        work = self.frame.work
        return {
            "C": self.channels,
            "HxW": work[3],
            "N": work[0],
            "eps": self.frame.eps,
            "group": work[1],
        }


class NativeGroupNormBackwardBackward0(NormalizationBackward):
    """Gradients of group normalisation."""
