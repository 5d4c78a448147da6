"""Between SciPy, which knows arrays of float64, and functions of nested tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.tensor_base import TensorBase
from .._record.common import make
from ..func._implicit_graph import Recording, as_array, jacobian
from ..func._implicit_modes import unrecorded
from ..func._implicit_problem import ReadsBatched, Unknowns, joined
from ..func._tree import flatten


class Variables:
    """What is optimised: as the user gave it, as a 1-d tensor, and as SciPy's array.

    Attributes:
        unknowns: how nested tensors lie in one.
        start: the starting point as an array of float64.
    """

    def __init__(self, x0: Any, name: str) -> None:
        self.name = name
        self._tensors = any(isinstance(leaf, TensorBase) for leaf in flatten(x0)[0])
        if not self._tensors:
            array = np.asarray(x0)
            if array.dtype.kind not in "biuf":
                raise TypeError(f"{name}: x0 must hold real numbers, got an array of {array.dtype}")
            x0 = make(array if array.dtype in (np.float32, np.float64) else array.astype(np.float64))
        self.unknowns = Unknowns(x0, name)
        self.start = as_array(self.unknowns.start)

    def nested(self, array: Any) -> Any:
        """An array as the user's functions take it."""
        return self.unknowns.tree(self.unknowns.tensor(array))

    def given_back(self, array: Any) -> Any:
        """An array in the form of ``x0``: tensors, or an array."""
        tensors = self.nested(array)
        return tensors if self._tensors else np.asarray(tensors.array)

    def arrays(self, fun: Callable[..., Any], args: tuple[Any, ...] = ()) -> Callable[..., Any]:
        """A derivative that the user wrote, called with tensors; tensors that it gives become arrays."""

        def called(array: Any, *more: Any) -> Any:
            result = unrecorded(fun, self.nested(array), *more, *args)
            return as_array(result) if isinstance(result, TensorBase) else result

        return called


class Residuals:
    """A user's function with any number of results: its values and exact derivatives on SciPy's arrays.

    Args:
        fun: called with the variables and ``args``; gives a tensor, or nested ones.
    """

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...], variables: Variables) -> None:
        self._fun = fun
        self._args = args
        self._variables = variables
        self._record = last_call(self._recorded)

    def flat(self, x: Any) -> Any:
        """The results for a 1-d tensor as one 1-d tensor."""
        unknowns = self._variables.unknowns
        return joined(flatten(self._fun(unknowns.tree(x), *self._args))[0], unknowns.start.dt, unknowns.name)

    def value(self, array: Any) -> Any:
        """The results as an array of float64."""
        return as_array(unbatched(unrecorded, self.flat, self._variables.unknowns.tensor(array)))

    def _recorded(self, array: Any) -> Recording:
        found: Recording = unbatched(Recording, self.flat, self._variables.unknowns.tensor(array))
        return found

    def jacobian(self, array: Any) -> Any:
        """The matrix of derivatives."""
        return jacobian(self._record(array), np.size(array))

    def product(self, array: Any, v: Any, transposed: bool = False) -> Any:
        """The matrix of derivatives, or its transpose, times an array."""
        recording = self._record(array)
        vector = make(np.array(v, dtype=recording.output.dt.np).reshape(-1))
        found = recording.pull(vector) if transposed else recording.push(vector)
        size = np.size(array) if transposed else recording.output.shp.numel()
        return np.zeros(size) if found is None else as_array(found)

    def operator(self, array: Any) -> Any:
        """The matrix of derivatives as a ``scipy.sparse.linalg.LinearOperator``."""
        from scipy.sparse.linalg import LinearOperator

        at = np.array(array)
        return LinearOperator(
            (int(self._record(at).output.shp.numel()), at.size),
            matvec=lambda v: self.product(at, v),
            rmatvec=lambda v: self.product(at, v, True),
            dtype=np.float64,
        )

    def sparse_jacobian(self, pattern: Any) -> Callable[[Any], Any]:
        """A function that gives the matrix of derivatives as a ``scipy.sparse`` matrix, by few products.

        Args:
            pattern: where it may differ from zero; None to find out from a recorded run.
        """
        from ..func import sparse_jacobian

        derivative = sparse_jacobian(self.flat, pattern=pattern)
        return lambda array: derivative(self._variables.unknowns.tensor(array))


def last_call(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``function`` of an array, remembering its last result: SciPy asks for derivatives at one place in turn."""
    last: list[Any] = [None, None]

    def called(array: Any) -> Any:
        if last[0] is None or not np.array_equal(last[0], array):
            last[:] = [np.array(array), function(array)]
        return last[1]

    return called


def unbatched(function: Callable[..., Any], *args: Any) -> Any:
    """Call; batched results are refused in words.

    Raises:
        RuntimeError: when a function that is optimised reads a batched tensor.
    """
    try:
        return function(*args)
    except ReadsBatched:
        raise RuntimeError(
            "vmap: optimisers of wengert.optimize work on one problem, and the function reads a batched tensor\n"
            "  try: func.argmin or func.root, which can be vmapped"
        ) from None
