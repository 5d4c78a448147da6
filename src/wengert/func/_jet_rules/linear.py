"""Linear operators: applied to each coefficient, by their batching rules."""

from __future__ import annotations

from typing import Any, Final

from ..._core.dtypes import BOOL, FLOATING
from ..._core.tensor_base import TensorBase
from ..._gen import functions
from ..._tensor import Tensor
from .. import _physical
from .._dispatch import RULES, Rule, call_name, operator, words
from .._jet_dispatch import INPLACE, JET_RULES, along_curve, detached, jet_rule, jets_among, linear, store, written
from .._jet_tensor import Coefficients

ONE: Final = words("""
    reshape view view_copy reshape_as view_as expand broadcast_to expand_copy expand_as sum_to_size permute permute_copy squeeze
    squeeze_copy unsqueeze unsqueeze_copy flatten ravel unflatten t t_copy .T .H .mT .mH adjoint repeat tile roll tril triu
    fliplr pixel_shuffle pixel_unshuffle diag_embed diag trace to type_as type atleast_1d atleast_2d atleast_3d
    cumsum flip narrow narrow_copy select split split_with_sizes chunk tensor_split unsafe_chunk unsafe_split unbind
    unsafe_split_with_sizes unbind_copy transpose swapaxes swapdims movedim moveaxis diagonal unfold rot90 linalg.diagonal
    diagonal_copy split_copy split_with_sizes_copy transpose_copy unfold_copy flipud hsplit vsplit dsplit diagflat
    repeat_interleave combinations fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2
    fft.hfft2 fft.ihfft2 fft.fftn fft.ifftn fft.rfftn fft.irfftn fft.hfftn fft.ihfftn fft.fftshift fft.ifftshift
    sum mean neg negative positive clone contiguous real imag .real .imag conj conj_physical conj_copy resolve_conj resolve_neg
    view_as_real view_as_complex alias_copy deg2rad rad2deg float double half bfloat16 cfloat cdouble __neg__ __pos__
    __getitem__ gather take_along_dim index_select take nn.unfold fold channel_shuffle
    avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d interpolate upsample
""")
"""Linear in the first tensor; others are indices."""
SEVERAL: Final = words("""
    cat concat concatenate stack hstack vstack dstack row_stack column_stack select_scatter slice_scatter diagonal_scatter
""")
"""Linear in all tensors together."""
INDEXED: Final = words("broadcast_tensors meshgrid index_add index_copy index_put scatter_add complex")
"""Linear in all floating-point tensors together; others are indices."""
CONSTANT: Final = words("""
    detach .data eq ne lt le gt ge greater greater_equal less less_equal not_equal isclose isnan isinf isfinite isposinf isneginf
    isreal signbit sign floor ceil round trunc fix floor_divide heaviside logical_and logical_or logical_xor logical_not
    argmax argmin argsort all any nonzero argwhere count_nonzero isin bucketize searchsorted equal allclose is_nonzero histc
    bincount unique unique_consecutive bool byte char short int long zeros_like ones_like full_like empty_like new_zeros new_ones
    new_empty new_full new_tensor bitwise_not __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __floordiv__ __rfloordiv__
    __invert__ tensor scalar_tensor
""")
"""Without a derivative, or with one that is zero wherever it exists."""


def enter() -> None:
    """The rules of operators that need no code of their own."""
    for name in ONE:
        JET_RULES[name] = RULES[name]
    for name in SEVERAL:
        JET_RULES[name] = joined
    for name in INDEXED:
        JET_RULES[name] = jointly
    for name in CONSTANT:
        JET_RULES[name] = constant


def joined(batch: Coefficients, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Constants among the operands become jets; whole numbers are promoted first."""
    dt = next(jets_among((*args, *kwargs.values()), batch.level)).dt
    return jointly(batch, call, *(_promoted(a, dt) for a in args), **{k: _promoted(v, dt) for k, v in kwargs.items()})


def _promoted(value: Any, dt: Any) -> Any:
    if isinstance(value, Tensor):
        return value if value.dt.category >= FLOATING else value.to(dt)
    return type(value)([_promoted(v, dt) for v in value]) if type(value) in (list, tuple) else value


def jointly(batch: Coefficients, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """Constants among the operands become jets."""
    lifted = [batch.lifted(a) for a in args]
    named = {k: batch.lifted(v) for k, v in kwargs.items()}
    return linear(batch, call_name(call), call, *lifted, **named)


def constant(batch: Coefficients, call: Rule, *args: Any, **kwargs: Any) -> Any:
    """A constant; new tensors like one with a series may be written to, and have room for a series."""
    result = detached(batch, call, *args, **kwargs)
    if call_name(call).endswith("_like") or call_name(call).startswith("new_"):
        return batch.lifted(result)
    return result


enter()


@jet_rule("as_tensor", "asarray")
def same(batch: Coefficients, call: Rule, x: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """A tensor stays what it is."""
    return RULES["as_tensor"](batch, call, x, dtype=dtype)


INPLACE_SUMS: Final = ("__iadd__", "__isub__", "add_", "sub_")


@jet_rule("add", "sub", "subtract", "__add__", "__sub__", "__radd__", "__rsub__", *INPLACE_SUMS)
def added(batch: Coefficients, call: Rule, self: Any, other: Any, *, alpha: Any = 1) -> Any:
    """Sums: a constant is added to the value only."""
    name = call_name(call)
    if name in INPLACE_SUMS:
        return written(batch, name, (self, other), {} if alpha == 1 else {"alpha": alpha})
    sign = -alpha if "sub" in name else alpha
    if name == "__rsub__":
        self, sign = -self, 1
    if not isinstance(other, (TensorBase, int, float, complex)) and not hasattr(other, "__array__"):
        return NotImplemented
    if batch.has(self) and batch.has(other):
        return linear(batch, "sub" if sign == -1 else "add", _sum(sign), self, other)
    first = _sum(sign)(batch.primal(self), batch.primal(other))
    series = self if batch.has(self) else other if sign == 1 else other * sign
    rest = batch.padded(series, len(first.shp)).narrow(0, 1, batch.size - 1)
    rest = rest.to(first.dt).expand((batch.size - 1, *first.shp))
    return batch.wrap(operator("cat")([first.unsqueeze(0), rest]))


def _sum(sign: Any) -> Rule:
    def call(self: Any, other: Any) -> Any:
        if sign == 1:
            return operator("add")(self, other)
        return operator("sub")(self, other) if sign == -1 else operator("add")(self, other, alpha=sign)

    return call


@jet_rule("__setitem__")
def setitem(batch: Coefficients, call: Rule, self: Any, index: Any, value: Any) -> None:
    """Numbers and constants are written into the value, zeros into the other coefficients."""
    if not batch.has(self):
        raise RuntimeError(INPLACE.format(name="__setitem__"))
    value = value if isinstance(value, Tensor) else functions.as_tensor(value, dtype=self.dt)
    linear(batch, "__setitem__", call, self, index, batch.lifted(value.to(self.dt)))


@jet_rule("copy_", "fill_", "zero_")
def overwritten(batch: Coefficients, call: Rule, self: Any, value: Any = 0, *args: Any) -> Any:
    """All coefficients are written."""
    if not batch.has(self):
        raise RuntimeError(INPLACE.format(name=call_name(call)))
    written = value if isinstance(value, Tensor) else functions.full((), value, dtype=self.dt)
    store(batch, self, written.expand(tuple(self.shp)))
    return self


@jet_rule("where")
def where(batch: Coefficients, call: Rule, condition: Any, *branches: Any, **kwargs: Any) -> Any:
    """The condition is a constant; numbers and constants among the branches have zero coefficients."""
    if not branches and not kwargs:
        return call(batch.primal(condition))
    x, y = [*branches, *kwargs.values()]
    if condition.dt.category != BOOL:  # the method: a branch comes first
        condition, x = x, condition
    mask = batch.primal(condition)
    first = operator("where")(mask, batch.primal(x), batch.primal(y))
    rest = [_tail(batch, v, len(first.shp)) for v in (x, y)]
    others = operator("where")(mask, *rest).to(first.dt).expand((batch.size - 1, *first.shp))
    return batch.wrap(operator("cat")([first.unsqueeze(0), others]))


def _tail(batch: Coefficients, value: Any, ndim: int) -> Any:
    """All coefficients but the first, ready to broadcast; 0 for a constant."""
    return batch.padded(value, ndim).narrow(0, 1, batch.size - 1) if batch.has(value) else 0.0


@jet_rule("masked_fill", "masked_fill_")
def masked_fill(batch: Coefficients, call: Rule, self: Any, mask: Any, value: Any) -> Any:
    """The value where the mask is set."""
    if call_name(call).endswith("_"):
        return written(batch, call_name(call), (self, mask, value), {})
    fill = batch.primal(value) if isinstance(value, TensorBase) and not batch.has(value) else value
    return operator("where")(mask, fill, self).to(self.dt)


@jet_rule("embedding")
def embedding(batch: Coefficients, call: Rule, first: Any, second: Any, padding_idx: Any = None, *args: Any,
              **kwargs: Any) -> Any:  # fmt: skip
    """Rows of the weight; those for padding count as constants. ``torch.embedding`` has the weight first, and -1 for none."""
    named = first.dt.category < FLOATING
    weight, index = (second, first) if named else (first, second)
    result = linear(batch, "embedding", call, first, second, *args, **kwargs)
    if padding_idx is None or (padding_idx == -1 and not named):
        return result
    padding = operator("eq")(index, padding_idx % weight.shp[0]).unsqueeze(-1)
    return operator("where")(padding, batch.primal(result), result)


@jet_rule("masked_select")
def masked_select(batch: Coefficients, call: Rule, self: Any, mask: Any) -> Any:
    """The mask is a constant: its places are known."""
    self, mask = operator("broadcast_tensors")(self, mask)
    return self[mask]


@jet_rule("scatter", "index_fill", "pad", "constant_pad_nd")
def affine(batch: Coefficients, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """A number that is written goes into the value; what the other coefficients have there is zero."""
    name = call_name(call)
    if "reduce" in kwargs:
        return along_curve(batch, name, call, (self, *args), kwargs)
    if any(isinstance(a, TensorBase) and a.dt.category >= self.dt.category for a in (*args, *kwargs.values())):
        return jointly(batch, call, self, *args, **kwargs)
    if not batch.has(self):
        raise RuntimeError(INPLACE.format(name=name))
    zeroed, named = _with_zero(name, args, kwargs)
    made = [call(c, *zeroed, **named) for c in self.value.unbind(0)[1:]]
    return batch.wrap(operator("stack")([call(self.primal(), *args, **kwargs), *made]))


def _with_zero(name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments with 0 as the number that is written."""
    if name == "pad":
        mode = kwargs.get("mode", args[1] if len(args) > 1 else "constant")
        return args[:2], {
            **{k: v for k, v in kwargs.items() if k != "value"},
            **({"value": 0} if mode == "constant" else {}),
        }
    if name == "constant_pad_nd":
        return args[:1], {}
    if "value" in kwargs:
        return args, {**kwargs, "value": 0}
    return (*args[:-1], 0), kwargs


@jet_rule("diff")
def diff(
    batch: Coefficients, call: Rule, self: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None
) -> Any:
    """Of what is joined before and behind."""
    parts = [p for p in (prepend, self, append) if p is not None]
    joined = parts[0] if len(parts) == 1 else operator("cat")(parts, dim)
    return linear(batch, "diff", call, joined, n, dim)


@jet_rule("nan_to_num")
def nan_to_num(batch: Coefficients, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """A constant where a value is replaced."""
    value = call(self.primal(), *args, **kwargs)
    return operator("where")(operator("isfinite")(self.primal()), self, value)


@jet_rule("nansum", "nanmean")
def nansum(batch: Coefficients, call: Rule, self: Any, *args: Any, **kwargs: Any) -> Any:
    """NaNs count as 0, and not as elements."""
    mask = operator("isnan")(self.primal())
    total = operator("where")(mask, 0.0, self).sum(*args, **kwargs)
    if call_name(call) == "nansum":
        return total
    return total / operator("logical_not")(mask).sum(*args, **kwargs)


@jet_rule("autograd.grad")
def gradients(batch: Coefficients, call: Rule, outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any,
              **kwargs: Any) -> Any:  # fmt: skip
    """Through the graph of the coefficients, see ``_physical.transposed``."""
    outs: list[Any] = [outputs] if isinstance(outputs, TensorBase) else list(outputs)
    ins: list[Any] = [inputs] if isinstance(inputs, TensorBase) else list(inputs)
    seeds = [grad_outputs] if isinstance(grad_outputs, TensorBase) else list(grad_outputs or [None] * len(outs))
    if not all(batch.has(t) for t in ins):
        return along_curve(batch, "autograd.grad", call, (outputs, inputs, grad_outputs, *args), kwargs)
    seeds = [_physical.ones_like(o) if s is None and len(o.shp) == 0 else s for o, s in zip(outs, seeds, strict=True)]
    cotangents = [None if s is None else _physical.transposed(batch.full(s), [batch.level]) for s in seeds]
    found = call([batch.full(o) for o in outs], [i.value for i in ins], cotangents, *args, **kwargs)
    return tuple(None if g is None else batch.wrap(_physical.transposed(g, [batch.level])) for g in found)
