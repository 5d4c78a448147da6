"""Products: the coefficients of ``a b`` are the sums of ``a_i b_(k - i)``."""

from __future__ import annotations

import functools
from typing import Any, Final

from ..._core.tensor_base import TensorBase
from ..._gen import functions
from .._batched import Batch
from .._dispatch import RULES, Rule, call_name, operator, words
from .._jet_dispatch import JET_RULES, jet_rule, written
from .._jet_tensor import Coefficients, Factors, JetTensor, Uncollapsed
from . import recurrences

COMPOSED: Final = words("""
    dot inner vdot linalg.vecdot outer ger tensordot addmm addmv addr baddbmm addbmm bilinear chain_matmul linalg.multi_dot kron
    trapezoid trapz cumulative_trapezoid cov vander linalg.vander dist pdist renorm cartesian_prod block_diag
""")
"""Their batching rules are written with other operators, which have rules here."""

for _name in COMPOSED:
    JET_RULES[_name] = RULES[_name]


def scaled(batch: Coefficients, name: str, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """A product in which one factor has a series: its batching rule."""
    return RULES[name](Factors(batch.level, batch.size), call, *args, **kwargs)


def product(batch: Coefficients, name: str, call: Rule, a: Any, b: Any) -> Any:
    """A product of two tensors, one or both of which have a series."""
    if not batch.has(a) or not batch.has(b):
        return scaled(batch, name, call, a, b)
    return batch.bilinear(functools.partial(_terms, name, call), a, b)


def _terms(name: str, call: Rule, part: Factors, a: Any, b: Any) -> Any:
    return RULES[name](part, call, a, b)


@jet_rule("mul", "multiply", "__mul__", "__rmul__")
def mul(batch: Coefficients, call: Rule, self: Any, other: Any) -> Any:
    """Element by element."""
    return product(batch, "mul", operator("mul"), self, other)


@jet_rule("__imul__", "__itruediv__", "mul_", "div_")
def inplace(batch: Coefficients, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """In place."""
    return written(batch, call_name(call), (self, *args), kwargs)


@jet_rule("matmul", "__matmul__", "__rmatmul__", "linalg.matmul")
def matmul(batch: Coefficients, call: Rule, self: Any, other: Any) -> Any:
    """Of vectors, matrices and batches of them."""
    if call_name(call) == "__rmatmul__":
        self, other = other, self
    return product(batch, "matmul", call, self, other)


@jet_rule("mm", "mv", "bmm")
def exact(batch: Coefficients, call: Rule, self: Any, other: Any) -> Any:
    """The numbers of dimensions are prescribed."""
    if (len(self.shp), len(other.shp)) != {"mm": (2, 2), "mv": (2, 1), "bmm": (3, 3)}[call_name(call)]:
        return call(batch.primal(self), batch.primal(other))  # its error
    return operator("matmul")(self, other)


@jet_rule("linear")
def linear_layer(batch: Coefficients, call: Rule, input: Any, weight: Any, bias: Any = None) -> Any:
    """``input @ weight.T + bias``."""
    if batch.has(input) and not batch.has(weight):
        result = batch.wrap(call(input.value, weight, None))
    else:
        result = operator("matmul")(input, weight.t())
    return result if bias is None else result + bias


@jet_rule("einsum")
def einsum(batch: Coefficients, call: Rule, equation: Any, *operands: Any) -> Any:
    """Any number of operands with series."""
    tensors = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else list(operands)
    return multilinear(batch, tensors, lambda part, values: RULES["einsum"](part, call, equation, *values))


def multilinear(batch: Coefficients, values: list[Any], rule: Any) -> Any:
    """A multilinear operator: ``rule(batch, values)`` for one operand with a series, or for two coefficient by coefficient.

    Of more than two, the first is fixed at each of its coefficients in turn; the results are shifted and added.
    """
    places = [i for i, v in enumerate(values) if batch.has(v)]
    if not places:
        return rule(None, values)
    if len(places) == 1:
        return rule(Factors(batch.level, batch.size), values)
    if len(places) == 2:
        return batch.bilinear(lambda part, a, b: rule(part, _with(_with(values, places[0], a), places[1], b)),
                              values[places[0]], values[places[1]])  # fmt: skip
    if batch.collapsed:
        raise Uncollapsed
    first, total = places[0], None
    for i, coefficient in enumerate(values[first].value.unbind(0)):
        part = Factors(batch.level, batch.size - i)
        others = [JetTensor(recurrences.head(v.value, part.size), v.level) if batch.has(v) else v for v in values]
        others[first] = coefficient
        terms = multilinear(part, others, rule).value
        total = terms if total is None else _shifted_sum(total, terms, i)
    return batch.wrap(total)


def _with(values: list[Any], place: int, value: Any) -> list[Any]:
    return [*values[:place], value, *values[place + 1 :]]


def _shifted_sum(total: Any, terms: Any, i: int) -> Any:
    return operator("cat")([total.narrow(0, 0, i), total.narrow(0, i, total.shp[0] - i) + terms])


@jet_rule(*(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)))
def convolution(batch: Coefficients, call: Rule, input: Any, weight: Any, bias: Any = None, *args: Any,
                **kwargs: Any) -> Any:  # fmt: skip
    """Linear in the input and in the weight; the bias is added."""

    def rule(part: Batch | None, values: list[Any]) -> Any:
        if part is None:  # the bias alone has a series
            return call(*values, None, *args, **kwargs)
        return RULES[call_name(call)](part, call, *values, None, *args, **kwargs)

    result = multilinear(batch, [input, weight], rule)
    if bias is None:
        return result
    places = int(call_name(call)[-2])
    return result + bias.reshape((-1,) + (1,) * places)


@jet_rule("cross", "linalg.cross")
def cross(batch: Coefficients, call: Rule, self: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
    """Of vectors with three components."""
    return multilinear(batch, [self, other], lambda part, v: RULES[call_name(call)](part, call, *v, *args, **kwargs))


@jet_rule("div", "divide", "true_divide", "__truediv__")
def div(batch: Coefficients, call: Rule, self: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    """``z b = a``; rounded quotients are constants."""
    if rounding_mode is not None:
        return call(batch.primal(self), batch.primal(other), rounding_mode=rounding_mode)
    if not batch.has(other):
        return scaled(batch, "div", call, self, other)
    if batch.collapsed:
        return other.reciprocal() * self
    first = call(batch.primal(self), other.primal())
    shape = (batch.size, *first.shp)
    divisor = batch.padded(other, len(first.shp)).to(first.dt).expand(shape)
    if batch.has(self):
        dividend = batch.padded(self, len(first.shp)).to(first.dt).expand(shape)
        return batch.wrap(recurrences.quotient(dividend, divisor, first))
    inverse = recurrences.reciprocal(divisor, divisor.select(0, 0).reciprocal()) * self
    inverse = inverse.to(first.dt)
    return batch.wrap(operator("cat")([first.unsqueeze(0), inverse.narrow(0, 1, batch.size - 1)]))


@jet_rule("__rtruediv__")
def reflected_div(batch: Coefficients, call: Rule, self: Any, other: Any) -> Any:
    """``other / self``."""
    return operator("div")(other, self) if isinstance(other, TensorBase) else self.reciprocal() * other


@jet_rule("remainder", "fmod", "__mod__", "__rmod__")
def remainder(batch: Coefficients, call: Rule, self: Any, other: Any) -> Any:
    """``a - b n`` with the constant ``n``, the quotient rounded."""
    if call_name(call) == "__rmod__":
        self, other = other, self
    if not isinstance(self, TensorBase):
        self = functions.full((), self, dtype=other.dt)
    mode = "trunc" if call_name(call) == "fmod" else "floor"
    return self - other * operator("div")(batch.primal(self), batch.primal(other), rounding_mode=mode)
