"""Sequences of several lengths in one tensor: padded, or packed without padding.

A packed sequence holds the rows of all sequences ordered by time: those of step 0 first, then those of step 1, of which there are
fewer when sequences have ended. The longest sequence comes first; ``sorted_indices`` tells where each came from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np

from ..._core.dtypes import float16, float32, float64, int8, int16, int32, int64, uint8
from ..._gen.functions import argsort, cat, from_numpy
from ..._tensor import Tensor

NOT_SORTED = (
    "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to "
    "pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability."
)


class _Fields(NamedTuple):
    """The fields of a ``PackedSequence``."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences of several lengths without padding.

    Args:
        data: (total, ...), the rows of all steps.
        batch_sizes: int64 (steps,), the number of sequences that have each step.
        sorted_indices: which of the sequences is the first, second... longest; None if they came in this order.
        unsorted_indices: the inverse permutation.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """Also from a pair (data, batch_sizes)."""
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if not isinstance(batch_sizes, Tensor):
            raise AttributeError(f"'{type(batch_sizes).__name__}' object has no attribute 'device'")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __getnewargs__(self) -> Any:
        return tuple(self)

    def __repr__(self) -> str:
        return f"PackedSequence({', '.join(f'{name}={value!r}' for name, value in zip(self._fields, self))})"

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With ``data.to(...)``; itself where that changes nothing."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cpu(self) -> PackedSequence:
        """Itself: all tensors are on the CPU."""
        return self.to("cpu")

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """As ``Tensor.cuda``, which says that there is no such device."""
        self.data.cuda(*args, **kwargs)
        return self

    def pin_memory(self) -> PackedSequence:
        """Itself."""
        return self

    def is_pinned(self) -> bool:
        """False."""
        return False

    @property
    def is_cuda(self) -> bool:
        """False."""
        return False

    def double(self) -> PackedSequence:
        """As float64."""
        return self.to(dtype=float64)

    def float(self) -> PackedSequence:
        """As float32."""
        return self.to(dtype=float32)

    def half(self) -> PackedSequence:
        """As float16."""
        return self.to(dtype=float16)

    def long(self) -> PackedSequence:
        """As int64."""
        return self.to(dtype=int64)

    def int(self) -> PackedSequence:
        """As int32."""
        return self.to(dtype=int32)

    def short(self) -> PackedSequence:
        """As int16."""
        return self.to(dtype=int16)

    def char(self) -> PackedSequence:
        """As int8."""
        return self.to(dtype=int8)

    def byte(self) -> PackedSequence:
        """As uint8."""
        return self.to(dtype=uint8)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes the given one."""
    return None if permutation is None else argsort(permutation)


def _rows(lengths: Any, columns: Any) -> tuple[Any, Any, Any]:
    """For each row of the packed order its step and its sequence, and the number of sequences at each step.

    Args:
        lengths: falling lengths.
        columns: which sequence each of them belongs to.
    """
    present = np.arange(lengths.max(initial=0))[:, None] < lengths
    step, place = np.nonzero(present)
    return step, columns[place], present.sum(1)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Rows of padded sequences without the padding.

    Args:
        input: (steps, sequences, ...), or (sequences, steps, ...) with ``batch_first``.
        lengths: the length of each sequence, as a tensor or a list.
        batch_first: see ``input``.
        enforce_sorted: refuse sequences that do not come in order of falling lengths; else they are sorted.

    Raises:
        RuntimeError: for lengths that do not fit.
    """
    if not isinstance(lengths, Tensor):
        lengths = from_numpy(np.array(lengths, np.int64))
    if lengths.dim() != 1:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.dim()}D cpu {lengths.dtype.title} tensor"
        )
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    count, steps = input.size(0 if batch_first else 1), input.size(1 if batch_first else 0)
    given = lengths.numpy().astype(np.int64)
    if len(given) != count:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(given)} (batch_size={count})"
        )
    if given.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if given.max() > steps:
        raise RuntimeError(f"Expected lengths of at most {steps}, the steps of the input, but got {given.max()}")
    columns, order = np.arange(count), None
    if not enforce_sorted:
        columns = np.argsort(-given, kind="stable")
        order = from_numpy(columns)
    elif (np.diff(given) > 0).any():
        raise RuntimeError(NOT_SORTED)
    step, column, sizes = _rows(given[columns], columns)
    places = column * steps + step if batch_first else step * count + column
    data = input.reshape((steps * count, *input.shape[2:])).index_select(0, from_numpy(places))
    return PackedSequence(data, from_numpy(sizes), order)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Packed sequences with padding, and their lengths.

    Args:
        sequence: what ``pack_padded_sequence`` or a recurrent layer gave.
        batch_first: whether the result is (sequences, steps, ...), not (steps, sequences, ...).
        padding_value: what stands behind the end of a sequence.
        total_length: number of steps of the result; that of the longest sequence when not given.

    Raises:
        ValueError: for a ``total_length`` below that.
    """
    sizes = sequence.batch_sizes.numpy()
    longest, count = len(sizes), int(sizes[0])
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    steps = longest if total_length is None else total_length
    columns = np.arange(count) if sequence.sorted_indices is None else sequence.sorted_indices.numpy()
    lengths = (sizes[:, None] > np.arange(count)).sum(0)
    step, column, _ = _rows(lengths, columns)
    places = column * steps + step if batch_first else step * count + column
    data = sequence.data
    rest = tuple(data.shape[1:])
    wide = data.new_full((steps * count, *rest), padding_value).index_copy(0, from_numpy(places), data)
    found = np.empty_like(lengths)
    found[columns] = lengths
    return wide.view((count, steps, *rest) if batch_first else (steps, count, *rest)), from_numpy(found)


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences as one tensor, filled up to the length of the longest.

    Args:
        sequences: tensors of shape (length, ...).
        batch_first: whether the result is (sequences, steps, ...), not (steps, sequences, ...).
        padding_value: what is filled in.
        padding_side: ``"right"`` or ``"left"``.

    Raises:
        RuntimeError: for no sequences, or another side.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    given = list(sequences.unbind(0) if isinstance(sequences, Tensor) else sequences)
    for i, s in enumerate(given):
        if not isinstance(s, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(s).__name__}")
    if not given:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    if any(s.dim() == 0 for s in given):
        raise RuntimeError("pad_sequence: sequences must have at least one dimension")
    first, count = given[0], len(given)
    rest = tuple(first.shape[1:])
    # Others are broadcast, or refused, by copy_.
    given = [s if tuple(s.shape[1:]) == rest else first.new_empty((len(s), *rest)).copy_(s) for s in given]
    lengths = np.array([len(s) for s in given])
    steps = int(lengths.max())
    column = np.repeat(np.arange(count), lengths)
    step = np.concatenate([np.arange(n) + (steps - n if padding_side == "left" else 0) for n in lengths])
    places = column * steps + step if batch_first else step * count + column
    wide = first.new_full((steps * count, *rest), padding_value)
    wide = wide.index_copy(0, from_numpy(places), cat(given).to(first.dtype))
    found: Tensor = wide.view((count, steps, *rest) if batch_first else (steps, count, *rest))
    return found


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded tensor, each of its own length.

    Args:
        padded_sequences: (steps, sequences, ...), or (sequences, steps, ...) with ``batch_first``.
        lengths: int64 (sequences,).
        batch_first: see ``padded_sequences``.
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[: int(n)] for row, n in zip(rows, lengths, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Sequences of shape (length, ...) as a packed sequence; arguments as for ``pack_padded_sequence``."""
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed sequence."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
