"""Smooth functions of one tensor, element by element, and powers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from ..._core import dtypes
from ..._core.tensor_base import TensorBase
from ..._gen import functions
from ..._tensor import Tensor
from .._dispatch import Rule, call_name, dispatch, operator
from .._jet_dispatch import JET_RULES, SERIES_ONLY, along_curve, jet_rule, smooth
from .._jet_tensor import Coefficients, Collapsed, JetTensor
from . import recurrences

Series = Callable[..., Any]
SERIES: Final[dict[str, Series]] = {
    "exp": lambda u, z: recurrences.quadratic(u, z, 0.0, 1.0, 0.0),
    "expm1": lambda u, z: recurrences.quadratic(u, z, 1.0, 1.0, 0.0),
    "exp2": lambda u, z: recurrences.quadratic(u * math.log(2), z, 0.0, 1.0, 0.0),
    "tanh": lambda u, z: recurrences.quadratic(u, z, 1.0, 0.0, -1.0),
    "tan": lambda u, z: recurrences.quadratic(u, z, 1.0, 0.0, 1.0),
    "sigmoid": lambda u, z: recurrences.quadratic(u, z, 0.0, 1.0, -1.0),
    "sin": lambda u, z: recurrences.pair(u, z, u.select(0, 0).cos(), -1.0)[0],
    "cos": lambda u, z: recurrences.pair(u, u.select(0, 0).sin(), z, -1.0)[1],
    "sinh": lambda u, z: recurrences.pair(u, z, u.select(0, 0).cosh(), 1.0)[0],
    "cosh": lambda u, z: recurrences.pair(u, u.select(0, 0).sinh(), z, 1.0)[1],
    "reciprocal": recurrences.reciprocal,
    "sqrt": recurrences.root,
    "rsqrt": lambda u, z: recurrences.reciprocal(recurrences.root(u, u.select(0, 0).sqrt()), z),
    "square": lambda u, z: recurrences.product(u, u),
    "lgamma": lambda u, z: recurrences.composed(u, [z, *polygammas(u.select(0, 0), u.shp[0], 0)]),
    "digamma": lambda u, z: recurrences.composed(u, [z, *polygammas(u.select(0, 0), u.shp[0], 1)]),
}
"""By operator name: the coefficients of the result from those of the argument and the value."""

DERIVATIVES: Final[dict[str, Callable[[Any], Any]]] = {
    "log": lambda x: x.reciprocal(),
    "log2": lambda x: x.reciprocal() * (1 / math.log(2)),
    "log10": lambda x: x.reciprocal() * (1 / math.log(10)),
    "log1p": lambda x: (1 + x).reciprocal(),
    "asin": lambda x: (1 - x * x).rsqrt(),
    "acos": lambda x: -(1 - x * x).rsqrt(),
    "atan": lambda x: (1 + x * x).reciprocal(),
    "asinh": lambda x: (1 + x * x).rsqrt(),
    "acosh": lambda x: (x - 1).rsqrt() * (x + 1).rsqrt(),
    "atanh": lambda x: (1 - x * x).reciprocal(),
    "erf": lambda x: (-x * x).exp() * (2 / math.sqrt(math.pi)),
    "erfc": lambda x: (-x * x).exp() * (-2 / math.sqrt(math.pi)),
    "ndtr": lambda x: (x * x * -0.5).exp() * (1 / math.sqrt(2 * math.pi)),
    "logsigmoid": lambda x: (-x).sigmoid(),
    "entr": lambda x: -1 - x.log(),
}
"""By operator name: the derivative, as a function of the argument."""

COMPOSED: Final[dict[str, Callable[..., Any]]] = {
    "silu": lambda x: x * x.sigmoid(),
    "mish": lambda x: x * operator("softplus")(x).tanh(),
    "tanhshrink": lambda x: x - x.tanh(),
    "log_ndtr": lambda x: operator("ndtr")(x).log(),
    "addcmul": lambda x, a, b, *, value=1: x + a * b * value,
    "addcdiv": lambda x, a, b, *, value=1: x + a / b * value,
    "lerp": lambda x, end, weight: x + weight * (end - x),
    "hypot": lambda x, y: (x * x + y * y).sqrt(),
    "float_power": lambda x, p: in_double(x) ** (in_double(p)),
    "rsub": lambda x, y, *, alpha=1: y - x * alpha,
    "ldexp": lambda x, y: x * operator("exp2")(y),
}
"""By operator name: itself, written with others."""

SECOND: Final[dict[str, Callable[[Any, Any], tuple[Any, Any]]]] = {
    "exp": lambda u, z: (z, z * 0.5),
    "sin": lambda u, z: (u.cos(), z * -0.5),
    "cos": lambda u, z: (-u.sin(), z * -0.5),
    "tanh": lambda u, z: _quadratic(1 - z * z, -z),
    "sigmoid": lambda u, z: _quadratic(z - z * z, 0.5 - z),
    "square": lambda u, z: (u + u, operator("ones_like")(u)),
}
"""Of the commonest functions: the first derivative and half of the second, from argument and value."""
OF_ONE: Final = ("silu", "mish", "tanhshrink", "log_ndtr")
SPELLINGS: Final = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "expit": "sigmoid",
    "gammaln": "lgamma",
    "psi": "digamma",
}
WHOLE_POWERS: Final = 64


def _quadratic(slope: Any, half: Any) -> tuple[Any, Any]:
    return slope, slope * half


def polygammas(x: Any, n: int, m: int) -> list[Any]:
    """The Taylor coefficients 1 to ``n - 1`` at ``x`` of the ``m``-th function in the row lgamma, digamma, polygamma(1)..."""
    made = []
    for k in range(1, n):
        of = k + m - 1
        value = operator("digamma")(x) if of == 0 else operator("polygamma")(of, x)
        made.append(value / math.factorial(k))
    return made


def in_double(x: Any) -> Any:
    """A tensor in the wide dtype of its category."""
    if not isinstance(x, Tensor):
        return x
    return x.to(dtypes.complex128 if x.dt.category == dtypes.COMPLEX else dtypes.float64)


def enter_series(name: str, series: Series) -> None:
    """The rule of a function whose coefficients a recurrence gives."""

    def elementwise(batch: Coefficients, call: Rule, x: Any, **kwargs: Any) -> Any:
        value = call(x.primal(), **kwargs)
        if isinstance(batch, Collapsed):
            return batch.chained(x, value, *SECOND[name](x.primal(), value))
        return batch.wrap(value.unsqueeze(0) if batch.size == 1 else series(x.value, value))

    JET_RULES[name] = elementwise if name in SECOND else smooth(elementwise)


def enter_derivative(name: str, derivative: Callable[[Any], Any]) -> None:
    """The rule of a function whose derivative is written with others: ``z' = f'(u) u'``."""

    @jet_rule(name)
    @smooth
    def elementwise(batch: Coefficients, call: Rule, x: Any, *args: Any, **kwargs: Any) -> Any:
        return integrated(batch, x, call(x.primal(), *args, **kwargs), derivative)


def integrated(batch: Coefficients, x: Any, value: Any, derivative: Callable[[Any], Any]) -> Any:
    """``value`` and the integral of ``derivative(x)`` along ``x``."""
    if batch.size == 1:
        return batch.wrap(value.unsqueeze(0))
    lower = JetTensor(recurrences.head(x.value, batch.size - 1), x.level)
    rates = recurrences.product(derivative(lower).value, recurrences.slope(x.value))
    return batch.wrap(recurrences.antiderivative(value, rates))


def enter_composed(name: str, function: Callable[..., Any]) -> None:
    """The rule of a function written with others."""

    def composed(batch: Coefficients, call: Rule, *args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    JET_RULES[name] = smooth(composed) if name in OF_ONE else composed


for _name, _series in SERIES.items():
    enter_series(_name, _series)
for _name, _derivative in DERIVATIVES.items():
    enter_derivative(_name, _derivative)
for _name, _function in COMPOSED.items():
    enter_composed(_name, _function)
for _name, _known in SPELLINGS.items():
    JET_RULES[_name] = JET_RULES[_known]


@jet_rule("logit")
@smooth
def logit(batch: Coefficients, call: Rule, x: Any, eps: Any = None) -> Any:
    """With ``eps``, of the argument kept away from 0 and 1."""
    inside = x if eps is None else x.clamp(eps, 1 - eps)
    return integrated(batch, inside, call(x.primal(), eps), lambda v: (v * (1 - v)).reciprocal())


@jet_rule("polygamma")
def polygamma(batch: Coefficients, call: Rule, n: Any, x: Any) -> Any:
    """Its derivatives are the next of the row; the method has the tensor first."""
    x, order = (n, x) if isinstance(n, TensorBase) else (x, n)

    def rule(part: Coefficients, v: Any) -> Any:
        value = operator("polygamma")(order, v.primal())
        return part.wrap(recurrences.composed(v.value, [value, *polygammas(v.primal(), part.size, order + 1)]))

    return batch.smooth(rule, x)


@jet_rule("sinc")
@smooth
def sinc(batch: Coefficients, call: Rule, x: Any) -> Any:
    """``sin(pi x) / (pi x)``; at 0 by its power series."""
    at_zero = x.primal() == 0
    angle = x * math.pi
    safe = operator("where")(at_zero, 1.0, angle)
    n = batch.size
    series = [(-1) ** (k // 2) / math.factorial(k + 1) if k % 2 == 0 else 0.0 for k in range(n)]
    constants = [functions.full(tuple(x.shp), c, dtype=x.dt) for c in series]
    near = batch.wrap(recurrences.composed(angle.value, constants))
    return operator("where")(at_zero, near, safe.sin() / safe)


@jet_rule("softplus")
@smooth
def softplus(batch: Coefficients, call: Rule, x: Any, beta: Any = 1.0, threshold: Any = 20.0) -> Any:
    """The identity above the threshold."""
    smooth = integrated(batch, x, call(x.primal(), beta, threshold), lambda v: (v * beta).sigmoid())
    return operator("where")(x.primal() * beta > threshold, x, smooth)


@jet_rule("gelu")
@smooth
def gelu(batch: Coefficients, call: Rule, x: Any, *, approximate: str = "none") -> Any:
    """``x`` times the normal distribution function, or its approximation by tanh."""
    if approximate == "tanh":
        inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
        return x * (inner.tanh() + 1) * 0.5
    return x * operator("ndtr")(x)


@jet_rule("xlogy", "xlog1py")
def xlogy(batch: Coefficients, call: Rule, x: Any, y: Any) -> Any:
    """``x log(y)``; 0 where the constant ``x`` is 0."""
    x, y = (v if isinstance(v, TensorBase) else functions.full((), v, dtype=w.dt) for v, w in ((x, y), (y, x)))
    result = x * operator("log" if call_name(call) == "xlogy" else "log1p")(y)
    return result if batch.has(x) else operator("where")(operator("eq")(x, 0), 0.0, result)


@jet_rule("nextafter")
def nextafter(batch: Coefficients, call: Rule, x: Any, y: Any) -> Any:
    """A step to the neighbour does not change with the argument."""
    value = call(batch.primal(x), batch.primal(y))
    return replaced(batch, x + operator("zeros_like")(value), call, x, y) if batch.has(x) else value


@jet_rule("logaddexp")
def logaddexp(batch: Coefficients, call: Rule, x: Any, y: Any) -> Any:
    """``max + log1p(exp(-|x - y|))``, in the form whose derivatives have no kink."""
    if x.is_complex() or y.is_complex():
        return along_curve(batch, "logaddexp", call, (x, y), {})
    return replaced(batch, y + operator("softplus")(x - y, threshold=math.inf), call, x, y)


@jet_rule("logaddexp2")
def logaddexp2(batch: Coefficients, call: Rule, x: Any, y: Any) -> Any:
    """``logaddexp`` to the base 2."""
    ln2 = math.log(2)
    return replaced(batch, operator("logaddexp")(x * ln2, y * ln2) / ln2, call, x, y)


def replaced(batch: Coefficients, result: Any, call: Rule, *args: Any) -> Any:
    """The series of ``result`` with the value that the operator itself gives."""
    value = call(*(batch.primal(a) for a in args))
    rest = result.value.narrow(0, 1, batch.size - 1).to(value.dt)
    return batch.wrap(operator("cat")([value.unsqueeze(0), rest]))


SERIES_ONLY.update(("atan2", "arctan2"))


@jet_rule("atan2", "arctan2")
def atan2(batch: Coefficients, call: Rule, y: Any, x: Any) -> Any:
    """``z' = (x y' - y x') / (x**2 + y**2)``."""
    value = call(batch.primal(y), batch.primal(x))
    y, x = operator("broadcast_tensors")(batch.lifted(y.to(value.dt)), batch.lifted(x.to(value.dt)))
    if batch.size == 1:
        return batch.wrap(value.unsqueeze(0))
    n = batch.size - 1
    low_y, low_x = (recurrences.head(v.value, n) for v in (y, x))
    cross = recurrences.product(low_x, recurrences.slope(y.value)) - recurrences.product(
        low_y, recurrences.slope(x.value)
    )
    square = recurrences.product(low_x, low_x) + recurrences.product(low_y, low_y)
    rates = recurrences.quotient(cross, square, cross.select(0, 0) / square.select(0, 0))
    return batch.wrap(recurrences.antiderivative(value, rates))


@jet_rule("pow", "__pow__")
def power(batch: Coefficients, call: Rule, x: Any, exponent: Any) -> Any:
    """Whole exponents by multiplication, others by the Taylor coefficients of the power or as an exponential."""
    if not batch.has(x) or batch.has(exponent):
        return exponential(batch, x, exponent, call)
    x = in_result(batch, call, x, exponent) if isinstance(exponent, TensorBase) else x
    return constant_power(batch, call, x, exponent)


def in_result(batch: Coefficients, call: Rule, x: Any, exponent: Any) -> Any:
    """A base in the shape and dtype of the power."""
    value = call(batch.primal(x), batch.primal(exponent))
    return x.to(value.dt).expand(tuple(value.shp))


@smooth
def constant_power(batch: Coefficients, call: Rule, x: Any, exponent: Any) -> Any:
    """With an exponent that has no series."""
    if isinstance(exponent, (int, float)) and not isinstance(exponent, bool):
        if float(exponent).is_integer() and abs(exponent) <= WHOLE_POWERS:
            return whole_power(batch, x, int(exponent))
        if exponent == 0.5:
            return x.sqrt()
    u = x.primal()
    value = call(u, exponent)
    falling: Any = exponent.to(value.dt) if isinstance(exponent, Tensor) else exponent
    factor: Any = 1.0
    coefficients = [value]
    for k in range(1, batch.size):
        factor = factor * (falling - (k - 1)) / k
        term = dispatch("pow", functions.pow, (u, falling - k), {}) * factor
        if isinstance(factor, TensorBase):
            term = operator("where")(operator("eq")(factor, 0), 0.0, term)  # a whole exponent: no power left
        coefficients.append(term)
    u = batch.padded(x.to(value.dt), len(value.shp))
    return batch.wrap(recurrences.composed(u.expand((batch.size, *value.shp)), coefficients))


def whole_power(batch: Coefficients, x: Any, exponent: int) -> Any:
    """By repeated squaring; exact at 0."""
    if exponent < 0:
        return whole_power(batch, x, -exponent).reciprocal()
    if exponent == 0:
        return batch.wrap(batch.full(operator("ones_like")(x.primal())))
    result = None
    while True:
        if exponent & 1:
            result = x if result is None else result * x
        exponent >>= 1
        if not exponent:
            return result
        x = x * x


def exponential(batch: Coefficients, base: Any, exponent: Any, call: Rule) -> Any:
    """``exp(exponent log(base))``, with the value of the operator itself.

    A power of the constant 0 is constant; where a base with a series is 0, the exponent counts as a constant.
    """
    if batch.has(base):
        zero = operator("eq")(base.primal(), 0)
        away = operator("where")(zero, 1.0, base).to(base.dt)
        power = exponential_away(batch, away, exponent, operator("pow"))
        fixed = constant_power(batch, call, in_result(batch, call, base, exponent), batch.primal(exponent))
        return operator("where")(zero, fixed, power)
    return exponential_away(batch, base, exponent, call)


def exponential_away(batch: Coefficients, base: Any, exponent: Any, call: Rule) -> Any:
    """``exponential`` of a base that is a constant, or not 0."""
    value = call(batch.primal(base), batch.primal(exponent))
    base = base if isinstance(base, TensorBase) else functions.full((), base, dtype=value.dt)
    known = base if batch.has(base) else operator("where")(operator("eq")(base, 0), 1.0, base)
    logarithm = operator("log")(known)
    if batch.collapsed:
        return replaced(batch, (exponent * logarithm).exp(), call, base, exponent)
    u = batch.full((exponent * logarithm).expand(tuple(value.shp)).to(value.dt))
    return batch.wrap(value.unsqueeze(0) if batch.size == 1 else recurrences.quadratic(u, value, 0.0, 1.0, 0.0))


@jet_rule("__rpow__")
def reflected_power(batch: Coefficients, call: Rule, exponent: Any, base: Any) -> Any:
    """``base ** exponent`` with the base on the left."""
    return operator("pow")(base, exponent)
