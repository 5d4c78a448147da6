"""Operators that work element by element and broadcast their operands."""

from __future__ import annotations

import operator
from typing import Any, Final

from ..._core.dtypes import FLOATING
from ..._core.tensor_base import TensorBase
from ..._record.common import result_type
from ..._tensor import Tensor
from .._batched import Batch, alike
from .._dispatch import (
    SHORTCUTS,
    Rule,
    Shortcut,
    Unforeseen,
    call_name,
    plainly_batched,
    rule,
    shortcut,
    words,
    wrapped_like,
)

UNARY: Final = words("""
    abs absolute acos acosh arccos arccosh angle asin asinh arcsin arcsinh atan atanh arctan arctanh bitwise_not ceil conj
    conj_physical conj_copy cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor frac frexp i0 imag isfinite isinf
    isnan isneginf isposinf isreal lgamma log log10 log1mexp log1p log2 logical_not logit mvlgamma nan_to_num neg negative
    positive polygamma rad2deg real reciprocal relu resolve_conj resolve_neg round rsqrt sgn sigmoid sign signbit sin sinc sinh
    sqrt square tan tanh trunc celu selu hardshrink threshold elu gelu hardsigmoid hardswish hardtanh leaky_relu logsigmoid mish
    relu6 silu softplus softshrink softsign tanhshrink airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 entr erfcx expit gammaln
    i0e i1 i1e log_ndtr modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 multigammaln ndtr ndtri psi
    scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0
    bfloat16 bool byte cdouble cfloat char double float half int long short detach clone contiguous
    alias_copy zeros_like ones_like full_like empty_like view_as_real view_as_complex
    .real .imag .data __neg__ __abs__ __invert__ __pos__
""")
BINARY: Final = words("""
    add sub subtract mul multiply div divide true_divide floor_divide remainder fmod pow float_power rsub maximum minimum fmax
    fmin atan2 arctan2 hypot copysign nextafter ldexp logaddexp logaddexp2 xlogy heaviside gcd lcm igamma igammac polar complex
    eq ne lt le gt ge greater greater_equal less less_equal not_equal isclose logical_and logical_or logical_xor bitwise_and
    bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift xlog1py zeta gammainc gammaincc
    chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w hermite_polynomial_h
    hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p shifted_chebyshev_polynomial_t
    shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v shifted_chebyshev_polynomial_w
    __add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __pow__ __and__ __or__ __xor__
    __lshift__ __rshift__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__
""")
REFLECTED: Final = words("add sub mul truediv floordiv mod pow and or xor lshift rshift")
TERNARY: Final = words("addcmul addcdiv lerp clamp clip clamp_min clamp_max")
INPLACE: Final = words("""
    __iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__ __imod__ __ipow__ __iand__ __ior__ __ixor__
    copy_ zero_
""")


@shortcut(*UNARY)
def unary_at_once(original: Rule, args: tuple[Any, ...]) -> Any:
    """One tensor and no option."""
    x = args[0]
    return wrapped_like(x, original(x.value)) if len(args) == 1 and plainly_batched(x) else None


@shortcut(*BINARY)
def binary_at_once(original: Rule, args: tuple[Any, ...]) -> Any:
    """Operands of one dtype, or a number."""
    if len(args) != 2:
        return None
    x, y = args
    if plainly_batched(x):
        other = beside(x, y)
        return None if other is None else wrapped_like(x, original(x.value, other))
    if plainly_batched(y):
        other = beside(y, x)
        return None if other is None else wrapped_like(y, original(other, y.value))
    return None


def reflected_at_once(function: Rule) -> Shortcut:
    """For ``__radd__`` and its like: a number in front, or a tensor that all samples share, which Python asks last."""

    def at_once(original: Rule, args: tuple[Any, ...]) -> Any:
        x, other = args
        if not plainly_batched(x):
            return None
        if type(other) is float or type(other) is int:
            return wrapped_like(x, original(x.value, other))
        shared = beside(x, other)
        return None if shared is None else wrapped_like(x, function(shared, x.value))

    return at_once


for _name in REFLECTED:
    SHORTCUTS[f"__r{_name}__"] = reflected_at_once(getattr(operator, f"__{_name}__"))


@shortcut("where")
def where_at_once(original: Rule, args: tuple[Any, ...]) -> Any:
    """Operands of one dtype, or one and a number, chosen by a mask that is batched, too."""
    if len(args) != 3 or not plainly_batched(args[0]) or not plainly_batched(args[1]):
        return None
    mask, x, y = args
    other = beside(x, y)
    if other is None or x.level is not mask.level or len(x.shp) != len(mask.shp):
        return None
    return wrapped_like(x, original(mask.value, x.value, other))


def beside(x: Any, y: Any) -> Any:
    """What stands for ``y`` beside the physical tensor of ``x``: as ``aligned`` says, None where that changes operands."""
    if type(y) is float or type(y) is int:
        return y
    if type(y) is Tensor:
        return y if y.dt is x.dt and len(y.shp) <= len(x.shp) else None
    return y.value if plainly_batched(y) and alike(x, y) else None


@rule(*UNARY)
def elementwise(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """One tensor; the physical tensor takes its place."""
    if len(args) == 1 and not kwargs:
        return batch.wrap(call(batch.front(args[0])))
    if sum(isinstance(v, TensorBase) for v in (*args, *kwargs.values())) > 1:
        raise Unforeseen(batch)
    return batch.wrap(call(*(batch.front(a) for a in args), **{k: batch.front(v) for k, v in kwargs.items()}))


@rule(*BINARY, *TERNARY)
def broadcasting(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Several tensors; the batch comes before all dimensions that broadcast."""
    if len(args) == 2 and not kwargs and fit(batch, *args):
        result = call(args[0].front(), args[1].front())
    else:
        args, kwargs = aligned(batch, args, kwargs)
        result = call(*args, **kwargs)
    return result if result is NotImplemented else batch.wrap(result)


@rule(*(f"__r{name}__" for name in REFLECTED))
def reflected(batch: Batch, call: Rule, self: Any, other: Any) -> Any:
    """``other + self``: of a plain tensor and a batched one, Python asks the latter first."""
    if not isinstance(other, TensorBase):
        return broadcasting(batch, call, self, other)
    name = call_name(call)[3:-2]
    left, right = aligned(batch, (other, self), {})[0]
    return batch.wrap(getattr(operator, f"__{name}__")(left, right))


@rule(*(f"{name}_" for name in UNARY + BINARY + TERNARY if name[0].isalpha()), *INPLACE)
def inplace(batch: Batch, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Written into the physical tensor of ``self``."""
    first = batch.front(self)
    rest, kwargs = aligned(batch, (self, *args), kwargs)
    call(first, *rest[1:], **kwargs)
    return self


@rule("fill_")
def fill_in_place(batch: Batch, call: Rule, self: Any, value: Any) -> Any:
    """A value for each sample is copied, as ``fill_`` takes one number."""
    if batch.has(value) and len(value.shp) == 0:
        return self.copy_(value)
    return inplace(batch, call, self, value)


@rule("masked_fill", "masked_fill_")
def masked_fill(batch: Batch, call: Rule, self: Any, mask: Any, value: Any) -> Any:
    """A value for each sample by ``where``."""
    from .._dispatch import operator as public

    if batch.has(value):
        filled = public("where")(mask, value.to(self.dt), self)
        return self.copy_(filled) if call_name(call).endswith("_") else filled
    ndim = max(len(self.shp), len(mask.shp))
    if call_name(call).endswith("_"):
        call(batch.front(self), batch.padded(mask, ndim), value)
        return self
    return batch.wrap(call(batch.padded(self, ndim), batch.padded(mask, ndim), value))


@rule("where")
def where(batch: Batch, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """``where(condition, x, y)``; with the condition alone the result's size depends on values."""
    if len(args) + len(kwargs) == 1:
        raise dynamic("where")
    tensors, _ = aligned(batch, args[1:], kwargs, args[:1])
    return batch.wrap(call(*aligned(batch, args[:1], {}, args[1:])[0], *tensors, **kwargs))


def dynamic(name: str) -> RuntimeError:
    """The error of operators whose result has another size for each sample."""
    from .._dispatch import DYNAMIC

    return RuntimeError(DYNAMIC.format(name=name))


def fit(batch: Batch, x: Any, y: Any) -> bool:
    """Whether two operands are such that ``aligned`` would change nothing."""
    return batch.has(x) and alike(x, y)


def aligned(batch: Batch, args: Any, kwargs: Any, others: Any = ()) -> tuple[Any, Any]:
    """Physical operands that broadcast as the samples do, and whose dtypes promote as theirs do.

    Args:
        args, kwargs: arguments of the operator; what is no tensor stays.
        others: operands that broadcast with them and take no part in the promotion.
    """
    tensors = [v for v in (*args, *kwargs.values()) if isinstance(v, TensorBase)]
    ndim = max(len(t.shp) for t in (*tensors, *(o for o in others if isinstance(o, TensorBase))))
    physical = [batch.padded(a, ndim) for a in args]
    named = {k: batch.padded(v, ndim) for k, v in kwargs.items()}
    if len(tensors) > 1 and any(len(t.shp) == 0 for t in tensors) and any(t.dt is not tensors[0].dt for t in tensors):
        wanted = result_type(tensors)
        if wanted.category >= FLOATING or all(t.dt.category < FLOATING for t in tensors):
            physical = [cast(p, wanted) for p in physical]
            named = {k: cast(v, wanted) for k, v in named.items()}
    return physical, named


def cast(value: Any, dt: Any) -> Any:
    """A tensor in another dtype (masks stay masks); other values as they are."""
    return value.to(dt) if isinstance(value, Tensor) and value.dt.category > 0 else value
