"""Sums, means or maxima of rows of a table, bag by bag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import FLOATING, tensor_type_name
from .._core.tensor_base import TensorBase
from .._record.common import int_of, make, quiet
from .._record.general import General, general, general_many
from ..kernels import bulk as kernels
from .embedding import EmbeddingDenseBackwardBackward0, embedding, renormalize
from .index_arrays import add_rows

if TYPE_CHECKING:
    from .._tensor import Tensor

SUM: Final = 0
MEAN: Final = 1
MAX: Final = 2
MODES: Final[dict[str, int]] = {"sum": SUM, "mean": MEAN, "max": MAX}
UNSIGNED: Final = 1 << 64
BLOCK: Final = 1 << 14  # elements of table rows that are copied at once


class Bags:
    """Which entries are in which bag.  What has an element for each entry is made when it is asked for.

    Attributes:
        count: number of bags; bag b has the entries ``starts[b]`` to ``ends[b]``.
        used: table rows of the entries in bags, int64.
        padding: the row whose entries do not count, or -1.
    """

    def __init__(self, index: Any, offsets: Any, last: bool, padding: int) -> None:
        self.ends: Any = np.append(offsets[1:], index.size) if not last else offsets[1:]
        self.starts: Any = offsets[:-1] if last else offsets
        self.count: int = int(self.starts.size)
        self.used: Any = index[: int(self.ends[-1]) if self.count > 0 else 0].astype(np.int64, copy=False)
        self.padding: int = padding
        self._kept: Any = None
        self._bag: Any = None
        self._sizes: Any = None

    def every(self) -> Any:
        """Bag of all entries."""
        return np.repeat(np.arange(self.count), self.ends - self.starts)

    @property
    def kept(self) -> Any:
        """Places of the entries that count among all."""
        if self._kept is None:
            self._kept = np.flatnonzero(self.used != self.padding)
        return self._kept

    @property
    def index(self) -> Any:
        """Table rows of the entries that count."""
        return self.used if self.padding < 0 else self.used[self.kept]

    @property
    def bag(self) -> Any:
        """Bag of each entry that counts, rising."""
        if self._bag is None:
            self._bag = self.every() if self.padding < 0 else self.every()[self.kept]
        return self._bag

    @property
    def sizes(self) -> Any:
        """How many entries of each bag count."""
        if self._sizes is None:
            lengths = self.ends - self.starts
            self._sizes = lengths if self.padding < 0 else np.bincount(self.bag, minlength=self.count)
        return self._sizes


class EmbeddingBagBackward0(General):
    """Rows of a table summed, averaged or maximised in bags.  Each row gets the gradients of its bags."""

    def __init__(self, bags: Bags, mode: int, weighted: bool, numbers: dict[str, Any]) -> None:
        self.bags: Bags = bags
        self.mode: int = mode
        self.weighted: bool = weighted
        self.numbers: dict[str, Any] = numbers

    def input_names(self) -> list[str]:
        return ["weight", "indices", "offsets", *(["per_sample_weights"] if self.weighted else [])]

    def output_names(self) -> list[str]:
        return ["result0", "result1", "result2", "result3"]

    def differentiable_outputs(self) -> list[bool]:
        return [True, False, False, False]

    def saves(self) -> list[str]:
        found = ["indices", "offsets", "result1", "result2", "result3"]
        if self.weighted:
            found.append("per_sample_weights")
            if self.wanted(3):
                found.append("weight")
        return found

    def saved_names(self) -> list[str]:
        return [
            *self.parameters(),
            "indices",
            "offsets",
            "per_sample_weights",
            "result1",
            "result2",
            "result3",
            "weight",
        ]

    def parameters(self) -> dict[str, Any]:
        numbers = self.numbers
        return {
            "mode": self.mode,
            "padding_idx": numbers["padding"] % UNSIGNED,
            "scale_grad_by_freq": numbers["by_frequency"],
            "sparse": numbers["sparse"],
            "weight_sym_argsize_0": numbers["rows"],
        }

    def forward(self, arrays: list[Any]) -> Any:
        weight = arrays[0]
        bags = self.bags
        shape = (bags.count, weight.shape[1])
        kind = np.float32 if weight.dtype == np.float16 else weight.dtype
        most = np.zeros(shape, np.int64) if self.mode == MAX else bags.sizes * int(self.mode == MEAN)
        if self.mode == MAX:
            out = np.zeros(shape, kind)
            self.maximize(weight.take(bags.index, axis=0).astype(kind, copy=False), out, most)
        else:
            out = self.summed(weight, arrays[3] if self.weighted else None, kind)
        if self.mode == MEAN:
            out /= np.maximum(bags.sizes, 1)[:, None].astype(kind)
        sizes = bags.sizes if self.mode != SUM else np.zeros(bags.count, np.int64)
        # PyTorch's quick way for sums in single precision leaves this empty.
        plain = self.mode == SUM and self.numbers["padding"] < 0 and weight.dtype != np.float64
        where = np.zeros(0, np.int64) if plain else bags.every().astype(np.int64, copy=False)
        return [out.astype(weight.dtype, copy=False), where, sizes.astype(np.int64), most.astype(np.int64, copy=False)]

    def summed(self, weight: Any, factors: Any, kind: Any) -> Any:
        """The sum of each bag; rows of the table are copied a block at a time."""
        bags = self.bags
        if bags.count > 0 and kernels.handles(weight) and (factors is None or factors.dtype == kind):
            return kernels.bag_sums(weight, bags.used, bags.starts, bags.ends, factors, bags.padding)
        out = np.zeros((bags.count, weight.shape[1]), kind)
        index, bag, kept = bags.index, bags.bag, bags.kept
        step = max(1, BLOCK // max(1, weight.shape[1]))
        for start in range(0, index.size, step):
            part = slice(start, start + step)
            rows = weight.take(index[part], axis=0).astype(kind, copy=False)
            if factors is not None:
                rows = rows * factors[kept[part]][:, None]
            add_rows(out, bag[part], rows)
        return out

    def maximize(self, rows: Any, out: Any, most: Any) -> None:
        """Write the largest elements of each bag, and the table rows that they are from."""
        filled = np.flatnonzero(self.bags.sizes)
        if filled.size == 0 or rows.shape[1] == 0:
            return
        starts = (np.cumsum(self.bags.sizes) - self.bags.sizes)[filled]
        out[filled] = np.maximum.reduceat(rows, starts, axis=0)
        found = (rows == out[self.bags.bag]) | np.isnan(rows)
        places = np.where(found, np.arange(rows.shape[0])[:, None], rows.shape[0])
        most[filled] = self.bags.index[np.minimum.reduceat(places, starts, axis=0)]

    def spread(self, grad: Tensor) -> Tensor:
        """The gradient of each entry's row, before it is weighted; for sums and means."""
        bag = make(self.bags.bag.astype(np.int64))
        rows = grad.index_select(0, bag)
        if self.mode == MEAN:
            rows = rows / make(self.bags.sizes[self.bags.bag][:, None].astype(grad.dt.np))
        return rows

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        found: list[Tensor | None] = [None] * self.arity
        if grad is None:
            return found
        bags = self.bags
        count = self.numbers["rows"]
        if self.mode == MAX:
            filled = make((bags.sizes > 0)[:, None])
            most = self.tensor("result3").detach()
            zeros = grad.new_zeros((count, grad.shp[1]))
            found[0] = zeros.scatter_add(0, most, grad.masked_fill(filled.logical_not(), 0))
            return found
        if quiet(grad) and not (self.weighted and self.wanted(3)) and not self.numbers["by_frequency"]:
            found[0] = make(self.added_back(grad.array))
            return found
        rows = self.spread(grad)
        kept = make(bags.kept.astype(np.int64))
        if self.wanted(0):
            each = rows
            if self.weighted:
                each = rows * self.tensor("per_sample_weights").index_select(0, kept).unsqueeze(1)
            op = EmbeddingDenseBackwardBackward0(count, -1, self.numbers["by_frequency"])
            found[0] = general(op, [each, make(bags.index)])
        if self.weighted and self.wanted(3):
            along = (rows * self.tensor("weight").index_select(0, make(bags.index))).sum(1)
            found[3] = grad.new_zeros((self.numbers["entries"],)).index_add(0, kept, along)
        return found

    def added_back(self, grad: Any) -> Any:
        """Gradient of the table; the gradients of the bags are copied for a block of entries at a time."""
        bags = self.bags
        index, bag = bags.index, bags.bag
        factors = self.tensor("per_sample_weights").array[bags.kept] if self.weighted else None
        out = np.zeros((self.numbers["rows"], grad.shape[1]), grad.dtype)
        step = max(1, BLOCK // max(1, grad.shape[1]))
        for start in range(0, index.size, step):
            part = slice(start, start + step)
            rows = grad.take(bag[part], axis=0)
            if self.mode == MEAN:
                rows /= bags.sizes[bag[part]][:, None].astype(grad.dtype)
            if factors is not None:
                rows *= factors[part, None]
            add_rows(out, index[part], rows)
        return out

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        bags = self.bags
        tangent = tangents[0]
        out = results[0]
        total = out.new_zeros(out.shp)
        index = make(bags.index)
        if self.mode == MAX:
            assert tangent is not None
            moved = tangent.gather(0, results[3]).masked_fill(make((bags.sizes == 0)[:, None]), 0)
            return [moved, None, None, None]
        rows: Tensor | None = None
        kept = make(bags.kept.astype(np.int64))
        if tangent is not None:
            rows = tangent.index_select(0, index)
            if self.weighted:
                rows = rows * inputs[3].index_select(0, kept).unsqueeze(1)
        if self.weighted and tangents[3] is not None:
            change = inputs[0].index_select(0, index) * tangents[3].index_select(0, kept).unsqueeze(1)
            rows = change if rows is None else rows + change
        assert rows is not None
        if self.mode == MEAN:
            rows = rows / make(bags.sizes[bags.bag][:, None].astype(out.dt.np))
        return [total.index_add(0, make(bags.bag.astype(np.int64)), rows), None, None, None]


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Any = None,
    max_norm: Any = None,
    norm_type: Any = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: Any = None,
) -> Tensor:
    """Sum, mean or maximum of the rows of ``weight`` that each bag names.

    Args:
        input: int64 or int32; (bags, entries), or all bags one after the other.
        weight: (rows, width), the table.
        offsets: for bags one after the other, where each begins.
        max_norm, norm_type: rows in use with a larger norm are first scaled down to it, in place and unrecorded.
        scale_grad_by_freq: divide the gradient of a row by the number of its uses.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: accepted; the gradient is dense all the same.
        per_sample_weights: factors of the entries, with ``"sum"``.
        include_last_offset: whether ``offsets`` ends with the end of the last bag.
        padding_idx: entries of this row do not count.

    Returns:
        Shape (bags, width); zeros for empty bags.

    Gradient:
        For ``weight`` and ``per_sample_weights``.

    Raises:
        ValueError, RuntimeError: for shapes, dtypes or indices that do not fit.

    Variants: nn
    """
    check_bags(input, weight, per_sample_weights)
    input, starts, per_sample_weights = in_a_row(input, offsets, per_sample_weights)
    if mode not in MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        check_indices(input, weight, MODES[mode])
        renormalize(weight, input.array, float(max_norm), float(norm_type))
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode="
            f"'{mode}'). Please open a feature request on GitHub."
        )
    return bagged(
        weight,
        input,
        starts,
        scale_grad_by_freq,
        MODES[mode],
        sparse,
        per_sample_weights,
        include_last_offset and offsets is not None,
        padding_idx,
    )[0]


def check_bags(x: Any, weight: Any, factors: Any) -> None:
    """Refuse tables and factors of the wrong shape."""
    for i, (name, t) in enumerate((("input", x), ("weight", weight))):
        if not isinstance(t, TensorBase):
            raise errors.argument_type("embedding_bag", name, i + 1, "Tensor", t)
    if factors is not None and factors.shp != x.shp:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({factors.shp!r}) is not None, then it must have the same shape as the input "
            f"({x.shp!r})"
        )
    if len(weight.shp) != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {len(weight.shp)}")


def in_a_row(x: Tensor, offsets: Any, factors: Any) -> tuple[Tensor, Any, Any]:
    """Indices, offsets and factors as vectors."""
    dims = len(x.shp)
    if dims == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if len(offsets.shp) != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        return x, offsets, factors
    if dims != 2:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {dims}")
    if offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. "
            f"However, found offsets of type {type(offsets)}"
        )
    if x.shp[1] == 0:
        raise RuntimeError(errors.with_hints("step must be nonzero", "the bags have no entries"))
    starts = make(np.arange(0, x.array.size, x.shp[1], dtype=x.array.dtype if x.dt.category == 1 else np.int64))
    return x.reshape(-1), starts, None if factors is None else factors.reshape(-1)


def check_indices(x: TensorBase, weight: TensorBase, mode: int) -> None:
    """Indices are integers and name rows of the table."""
    for name, t in (("indices", x),):
        if t.dt.name not in ("int64", "int32"):
            raise RuntimeError(
                f"Expected tensor for argument #1 '{name}' to have one of the following scalar types: Long, Int; but got "
                f"{tensor_type_name(t.dt)} instead (while checking arguments for embedding_bag)"
            )
    if weight.dt.category != FLOATING:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, BFloat16, Float, Double; "
            f"but got {tensor_type_name(weight.dt)} instead (while checking arguments for embedding_bag)"
        )
    index = np.asarray(x.array)
    outside = np.flatnonzero((index < 0) | (index >= weight.shp[0]))
    if outside.size > 0:
        place = int(outside[0])
        if mode == MAX:
            raise RuntimeError(
                f"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {index[place]}"
            )
        raise RuntimeError(
            f"Index {place} of input takes value {index[place]} which is not in the valid range [0, {weight.shp[0]})"
        )


def check_offsets(x: TensorBase, offsets: TensorBase, last: bool) -> Any:
    """The offsets as an array, rising from 0."""
    starts = np.asarray(offsets.array)
    if last and starts.size == 0:
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if starts.size == 0:
        return starts.astype(np.int64)
    if starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got "
            f"{starts[0]}"
        )
    if starts[-1] > x.array.size:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {x.array.size} but got offsets[-1] of {starts[-1]}"
        )
    if bool((np.diff(starts) < 0).any()):
        raise RuntimeError(errors.with_hints("offsets must not fall", f"got {starts.tolist()}"))
    return starts.astype(np.int64)


def checked_padding(padding_idx: Any, count: int) -> int:
    """The row that does not count, from the front."""
    padding = int_of(padding_idx, "padding_idx")
    if not -count <= padding < count:
        raise RuntimeError(
            f"padding_idx must be within the number of embeddings, {-count} through {count - 1}, but got {padding}"
        )
    return padding % count


def bagged(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool,
    mode: int,
    sparse: bool,
    per_sample_weights: Any,
    include_last_offset: bool,
    padding_idx: Any,
) -> list[Tensor]:
    """The bags, and PyTorch's further results: bag of each entry, sizes, rows of the maxima."""
    count = weight.shp[0]
    padding = -1 if padding_idx is None else checked_padding(padding_idx, count)
    starts = check_offsets(indices, offsets, include_last_offset)
    check_indices(indices, weight, mode)
    if per_sample_weights is not None and per_sample_weights.dt is not weight.dt:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_sample_weights'; but "
            f"type {tensor_type_name(weight.dt)} does not equal {tensor_type_name(per_sample_weights.dt)} (while checking "
            "arguments for embedding_bag)"
        )
    numbers = {
        "padding": padding,
        "by_frequency": scale_grad_by_freq,
        "sparse": sparse,
        "rows": count,
        "entries": indices.array.size,
    }
    bags = Bags(np.asarray(indices.array), starts, include_last_offset, padding)
    op = EmbeddingBagBackward0(bags, mode, per_sample_weights is not None, numbers)
    inputs: list[TensorBase] = [weight, indices, offsets]
    if per_sample_weights is not None:
        inputs.append(per_sample_weights)
    return general_many(op, inputs)


def plain_embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool = False,
    mode: Any = 0,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: Any = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``nn.functional.embedding_bag`` with the mode as a number (0 sum, 1 mean, 2 max), and PyTorch's further results.

    Returns:
        The bags; the bag of each entry; the number of entries of each bag; the rows of the maxima.

    Variants: function
    Name: embedding_bag
    """
    found = bagged(
        weight,
        indices,
        offsets,
        scale_grad_by_freq,
        int_of(mode, "mode"),
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )
    return found[0], found[1], found[2], found[3]


def plain_embedding(
    weight: Tensor, indices: Tensor, padding_idx: Any = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """``nn.functional.embedding`` with PyTorch's other order of arguments; ``padding_idx`` -1 stands for none.

    Variants: function
    Name: embedding
    """
    padding = int_of(padding_idx, "padding_idx")
    return embedding(indices, weight, None if padding < 0 else padding, None, 2.0, scale_grad_by_freq, sparse)
