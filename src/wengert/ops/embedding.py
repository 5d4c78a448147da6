"""Rows of a table by number: embedding and one_hot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import errors
from .._core.dtypes import int64, tensor_type_name
from .._core.tensor_base import TensorBase, bump, memory
from .._record.common import int_of, make
from .._record.general import General, general
from ..kernels import counting, zeros
from .index_arrays import add_rows, rows_at

if TYPE_CHECKING:
    from .._tensor import Tensor


class EmbeddingBackward0(General):
    """Rows of a table.  Each row gets the sum of the gradients of its uses."""

    def __init__(self, count: int, padding_idx: int, scale_grad_by_freq: bool, sparse: bool) -> None:
        self.count: int = count
        self.padding_idx: int = padding_idx
        self.scale_grad_by_freq: bool = scale_grad_by_freq
        self.sparse: bool = sparse

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def input_names(self) -> list[str]:
        return ["weight", "indices"]

    def forward(self, arrays: list[Any]) -> Any:
        return rows_at(arrays[0], arrays[1])

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        op = EmbeddingDenseBackwardBackward0(self.count, self.padding_idx, self.scale_grad_by_freq)
        return [general(op, [grad, self.tensor("indices")])]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        op = EmbeddingBackward0(self.count, -1, False, False)
        return [None if tangent is None else general(op, [tangent, inputs[1]])]

    def saves(self) -> list[str]:
        return ["indices"]

    def parameters(self) -> dict[str, Any]:
        return {
            "padding_idx": self.padding_idx,
            "scale_grad_by_freq": self.scale_grad_by_freq,
            "sparse": self.sparse,
            "weight_sym_argsize_0": self.count,
        }


class EmbeddingDenseBackwardBackward0(General):
    """Gradient of the table: rows added up by index, those of ``padding_idx`` left out, divided by their number on request."""

    def __init__(self, count: int, padding_idx: int, scale_grad_by_freq: bool) -> None:
        self.count: int = count
        self.padding_idx: int = padding_idx
        self.scale_grad_by_freq: bool = scale_grad_by_freq

    def differentiable_inputs(self, count: int) -> int:
        return 1

    def input_names(self) -> list[str]:
        return ["grad_output", "indices"]

    def forward(self, arrays: list[Any]) -> Any:
        grad, indices = arrays
        width = grad.shape[-1]
        index = np.reshape(indices, -1)
        rows = grad.reshape(index.size, width)
        if self.scale_grad_by_freq:
            rows = rows / np.bincount(index, minlength=self.count)[index][:, None].astype(rows.dtype)
        if self.padding_idx >= 0:
            kept = index != self.padding_idx
            index, rows = index[kept], rows[kept]
        out = zeros((self.count, width), grad.dtype)
        add_rows(out, index, rows)
        return out

    def backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        grad = grads[0]
        assert grad is not None
        indices = self.tensor("indices")
        rows = general(EmbeddingBackward0(self.count, -1, False, False), [grad, indices])
        if self.scale_grad_by_freq:
            counts = np.bincount(np.reshape(indices.array, -1), minlength=self.count)[indices.array]
            rows = rows / make(np.asarray(counts)[..., None].astype(rows.dt.np))
        if self.padding_idx >= 0:
            rows = rows.masked_fill(make(np.asarray(indices.array == self.padding_idx)[..., None]), 0)
        return [rows]

    def jvp(self, tangents: list[Tensor | None], inputs: list[Tensor], results: list[Tensor]) -> list[Tensor | None]:
        tangent = tangents[0]
        op = EmbeddingDenseBackwardBackward0(self.count, self.padding_idx, self.scale_grad_by_freq)
        return [None if tangent is None else general(op, [tangent, inputs[1]])]

    def saves(self) -> list[str]:
        return ["indices"]

    def parameters(self) -> dict[str, Any]:
        return {"padding_idx": self.padding_idx, "scale_grad_by_freq": self.scale_grad_by_freq}


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: Any = None,
    max_norm: Any = None,
    norm_type: Any = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of ``weight`` at ``input``, of shape (*input.shape, width).

    Args:
        input: int64 or int32, from 0.
        weight: (rows, width).
        padding_idx: this row gets no gradient.
        max_norm: rows in use with a larger norm are first scaled down to it, in place and unrecorded.
        norm_type: which norm.
        scale_grad_by_freq: divide the gradient of a row by the number of its uses.
        sparse: accepted; the gradient is dense all the same.

    Gradient: the rows of grad, added up by index.

    Raises:
        IndexError: out of range.

    Variants: nn
    """
    if not isinstance(input, TensorBase):
        raise errors.argument_type("embedding", "indices", 2, "Tensor", input)
    if len(weight.shp) != 2:
        raise RuntimeError("'weight' must be 2-D")
    if input.dt.name not in ("int64", "int32"):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{tensor_type_name(input.dt)} instead (while checking arguments for embedding)"
        )
    count = weight.shp[0]
    padding = -1
    if padding_idx is not None:
        padding = int_of(padding_idx)
        if not -count <= padding < count:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding %= count
    index = input.array
    if not counting.are_between(index, 0, count):
        raise IndexError(
            errors.with_hints("index out of range in self", f"indices {index.min()} to {index.max()}, but {count} rows")
        )
    if max_norm is not None:
        renormalize(weight, index, float(max_norm), float(norm_type))
    return general(EmbeddingBackward0(count, padding, scale_grad_by_freq, sparse), [weight, input])


def renormalize(weight: TensorBase, index: Any, max_norm: float, norm_type: float) -> None:
    """Scale the used rows of a table down to a largest norm, in place."""
    used = np.unique(index)
    table = memory(weight)
    rows = table[used]
    norms = np.linalg.norm(rows, norm_type, axis=1)
    long = norms > max_norm
    table[used[long]] = rows[long] * (max_norm / (norms[long] + 1e-7))[:, None].astype(rows.dtype)
    bump(weight)


def one_hot(tensor: Tensor, num_classes: Any = -1) -> Tensor:
    """Zeros with a one at the place that each element names, in a new last dimension.

    Args:
        tensor: int64 class numbers.
        num_classes: size of the new dimension; -1 takes the largest class plus one.

    Returns:
        int64, of shape (*tensor.shape, num_classes).

    Raises:
        RuntimeError: for other dtypes, negative classes, or classes not below ``num_classes``.

    Variants: nn
    """
    if not isinstance(tensor, TensorBase):
        raise errors.argument_type("one_hot", "tensor", 1, "Tensor", tensor)
    if tensor.dt is not int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    classes = int_of(num_classes)
    index = np.asarray(tensor.array)
    if index.size == 0:
        if classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return make(np.zeros((*index.shape, classes), np.int64))
    if index.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if classes == -1:
        classes = int(index.max()) + 1
    elif index.max() >= classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    out = np.zeros((index.size, classes), np.int64)
    out[np.arange(index.size), index.reshape(-1)] = 1
    return make(out.reshape(*index.shape, classes))
