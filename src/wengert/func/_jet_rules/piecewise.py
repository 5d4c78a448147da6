"""Functions in pieces: the value decides which; at a kink, the piece whose derivative the operator gives."""

from __future__ import annotations

from typing import Any

from ..._core.tensor_base import TensorBase
from ..._gen import functions
from .._dispatch import Rule, call_name, operator
from .._jet_dispatch import jet_rule
from .._jet_tensor import Coefficients
from .._levels import outside


def choose(mask: Any, yes: Any, no: Any) -> Any:
    """``where``."""
    return operator("where")(mask, yes, no)


@jet_rule("abs", "absolute", "__abs__")
def absolute(batch: Coefficients, call: Rule, x: Any) -> Any:
    """The sign times the argument."""
    if x.is_complex():
        return distance(x.real * x.real + x.imag * x.imag)
    return x * operator("sgn")(x.primal())


def distance(square: Any) -> Any:
    """The square root of a sum of squares; constant where that is 0, as the gradient of a norm is."""
    zero = operator("eq")(square.primal(), 0)
    return choose(zero, 0.0, choose(zero, 1.0, square).sqrt())


@jet_rule("sgn")
def sgn(batch: Coefficients, call: Rule, x: Any) -> Any:
    """A constant for real numbers, the direction of complex ones."""
    if not x.is_complex():
        return call(x.primal())
    zero = operator("eq")(x.primal(), 0)
    return choose(zero, x * 0, x / choose(zero, 1.0, x).abs())


@jet_rule("relu")
def relu(batch: Coefficients, call: Rule, x: Any, inplace: bool = False) -> Any:
    """0 at 0."""
    return choose(x.primal() > 0, x, 0.0)


@jet_rule("leaky_relu", "threshold", "hardshrink", "softshrink", "hardtanh", "relu6", "hardsigmoid")
def straight(batch: Coefficients, call: Rule, x: Any, *args: Any, **kwargs: Any) -> Any:
    """An operator made of straight pieces: value and slope come from it."""
    from .._reverse import vjp

    kwargs.pop("inplace", None)
    with outside(batch.level):
        value, pull = vjp(lambda v: call(v, *args, **kwargs), x.primal())
        (slope,) = pull(operator("ones_like")(value))
    rest = choose(slope == 0, 0.0, x.value.narrow(0, 1, batch.size - 1) * slope)
    return batch.wrap(operator("cat")([value.unsqueeze(0), rest]))


@jet_rule("hardswish")
def hardswish(batch: Coefficients, call: Rule, x: Any, inplace: bool = False) -> Any:
    """``x`` times ``hardsigmoid(x)``."""
    return x * operator("hardsigmoid")(x)


@jet_rule("elu", "celu", "selu")
def elu(batch: Coefficients, call: Rule, x: Any, alpha: Any = 1.0, inplace: bool = False) -> Any:
    """An exponential below 0."""
    scale, shrink = 1.0, 1.0
    if call_name(call) == "selu":
        alpha, scale = 1.6732632423543772, 1.0507009873554805
    if call_name(call) == "celu":
        shrink = alpha
    below = choose(x.primal() > 0, 0.0, x)
    curve = operator("expm1")(below / shrink) * alpha
    at_zero = choose(x.primal() == 0, x * (alpha / shrink), curve)  # no second derivative there, as in PyTorch
    return choose(x.primal() > 0, x, at_zero) * scale


@jet_rule("softsign")
def softsign(batch: Coefficients, call: Rule, x: Any) -> Any:
    """``x / (1 + |x|)``."""
    return x / (1 + x.abs())


@jet_rule("prelu")
def prelu(batch: Coefficients, call: Rule, x: Any, weight: Any) -> Any:
    """A slope for each channel below 0."""
    shape = (-1,) + (1,) * (len(x.shp) - 2) if len(x.shp) > 1 else (-1,)
    factor = weight.reshape(shape) if weight.shp.numel() > 1 else weight.reshape(())
    return choose(batch.primal(x) > 0, x, x * factor)


@jet_rule("clamp", "clip", "clamp_min", "clamp_max")
def clamp(batch: Coefficients, call: Rule, x: Any, min: Any = None, max: Any = None) -> Any:
    """A limit itself belongs to the inside."""
    if call_name(call) == "clamp_max":
        min, max = max, min
    if min is not None:
        x = choose(operator("lt")(batch.primal(x), batch.primal(min)), min, x)
    if max is not None:
        x = choose(operator("gt")(batch.primal(x), batch.primal(max)), max, x)
    return x


@jet_rule("maximum", "minimum", "fmax", "fmin")
def extremum(batch: Coefficients, call: Rule, x: Any, y: Any) -> Any:
    """The larger or smaller; the mean of both where they are equal."""
    name = call_name(call)
    a, b = batch.primal(x), batch.primal(y)
    first = operator("gt" if name.endswith("max") or name == "maximum" else "lt")(a, b)
    if name in ("fmax", "fmin"):
        return choose(
            operator("logical_or")(operator("isnan")(b), operator("logical_or")(first, operator("eq")(a, b))), x, y
        )
    chosen = choose(operator("logical_or")(first, operator("isnan")(a)), x, y)
    return choose(operator("eq")(a, b), x * 0.5 + y * 0.5, chosen)


@jet_rule("copysign")
def copysign(batch: Coefficients, call: Rule, x: Any, y: Any) -> Any:
    """The size of ``x`` with the sign of ``y``."""
    size = operator("abs")(x)
    sign = operator("signbit")(batch.primal(y)) if isinstance(y, TensorBase) else functions.full((), y).signbit()
    return choose(sign, -size, size).to(call(batch.primal(x), batch.primal(y)).dt)


@jet_rule("frac")
def frac(batch: Coefficients, call: Rule, x: Any) -> Any:
    """The whole part is a constant."""
    return x - operator("trunc")(x.primal())
