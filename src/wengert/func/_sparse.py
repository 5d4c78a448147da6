"""Sparse Jacobians and Hessians: pattern and colouring once, then a handful of products at every point."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .._core.dtypes import COMPLEX
from .._core.tensor_base import TensorBase, from_array
from .._gen import functions
from ._dispatch import visible
from ._forward import linearize
from ._levels import wrapping_levels
from ._reverse import Pulled, TensorFunction, grad
from ._sparse_coloring import column_colors, count_colors, star_colors
from ._sparse_pattern import Propagation
from ._tree import flatten
from ._vmap import vmap

CHUNK: Final = 1 << 24
"""So many numbers a batch of cotangents or tangents may have, when no chunk size is given."""
MODES: Final = ("auto", "forward", "reverse")


class _Sparse:
    """What Jacobian and Hessian share.

    Attributes:
        pattern: boolean ``csr_array``; None before the first call.
        colors: a colour for each column (each row in reverse mode).
        unknown: names of graph nodes whose structure is not known, so that they were taken as dense.
    """

    def __init__(self, func: TensorFunction, argnums: int, pattern: Any, chunk_size: int | None) -> None:
        if not isinstance(argnums, int):
            raise TypeError(f"argnums must be an int, got {type(argnums).__name__}")
        if not (chunk_size is None or chunk_size > 0):
            raise ValueError(f"chunk_size should be None or greater than 0. (got {chunk_size})")
        self.func = func
        self.argnums = argnums
        self.chunk_size = chunk_size
        self.unknown: list[str] = []
        self.colors: Any = None
        self.pattern: Any = None
        self._given = pattern is not None
        if pattern is not None:
            self._set(_boolean(pattern))

    @property
    def passes(self) -> int:
        """How many products a call computes: the number of colours."""
        return count_colors(self.colors) if self.pattern is not None and self.pattern.nnz else 0

    def detect(self, *args: Any, **kwargs: Any) -> Any:
        """The pattern as a run at this point shows it, added to what was known: for branches that depend on values.

        Returns:
            The pattern, a boolean ``csr_array``.
        """
        found = self._detected(self._restricted(args, kwargs), self._point(args))
        if self.pattern is None or self.pattern.shape != found.shape:
            self._set(found)
        elif (self.pattern + found).nnz > self.pattern.nnz:
            self._set(self.pattern + found)
        return self.pattern

    def values(self, *args: Any, **kwargs: Any) -> Any:
        """The derivatives at the places of the pattern, in its order: a tensor, which keeps its graph."""
        restricted, x = self._restricted(args, kwargs), self._point(args)
        if self.pattern is None or not self._fits(x):
            if self._given:
                raise RuntimeError(
                    f"the pattern has {self.pattern.shape[1]} columns, and the input {x.shp.numel()} elements"
                )
            self._set(self._detected(restricted, x))
        return self._values(restricted, x) if self.pattern.nnz else functions.zeros(0, dtype=x.dt)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The matrix at this point, a ``scipy.sparse.csr_array``.

        Args:
            args, kwargs: those of the function.
        """
        from scipy.sparse import csr_array

        data = self.values(*args, **kwargs).detach().numpy()
        pattern = self.pattern
        return csr_array((data, pattern.indices.copy(), pattern.indptr.copy()), shape=pattern.shape)

    def _fits(self, x: Any) -> bool:
        return bool(self.pattern.shape[1] == x.shp.numel())

    def _point(self, args: tuple[Any, ...]) -> Any:
        if not -len(args) <= self.argnums < len(args):
            raise RuntimeError(f"Got argnum={self.argnums}, but only {len(args)} positional inputs")
        x = args[self.argnums]
        if not isinstance(x, TensorBase):
            raise TypeError(f"sparse derivatives are taken with respect to a tensor, got {type(x).__name__}")
        if x.dt.category == COMPLEX:
            raise RuntimeError("sparse derivatives are those of real functions, got a complex tensor")
        if wrapping_levels():
            raise RuntimeError("a sparse matrix has no version for a batch: call this outside of vmap")
        return x

    def _restricted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TensorFunction:
        """The function of the one argument."""
        place = self.argnums % max(len(args), 1)

        def restricted(x: Any) -> Any:
            return visible(self.func)(*args[:place], x, *args[place + 1 :], **kwargs)

        return restricted

    def _run(self, func: TensorFunction, x: Any) -> Pulled:
        """The function, recorded."""
        pulled = Pulled(func, (x,), False)
        _check_real(pulled.outputs)
        return pulled

    def _propagated(self, pulled: Pulled) -> Any:
        output = pulled.outputs[0]
        if not output.requires_grad:
            from scipy.sparse import csr_array

            return csr_array((output.numel(), pulled.pullback.inputs[0].numel()), dtype=np.bool_)
        found = Propagation(output, pulled.pullback.inputs[0])
        pattern = found.run()
        self.unknown += [name for name in found.unknown if name not in self.unknown]
        return pattern

    def _detected(self, func: TensorFunction, x: Any) -> Any:
        raise NotImplementedError

    def _set(self, pattern: Any) -> None:
        raise NotImplementedError

    def _values(self, func: TensorFunction, x: Any) -> Any:
        raise NotImplementedError

    def _chunk(self, size: int) -> int:
        return self.chunk_size or max(1, CHUNK // max(size, 1))


class SparseJacobian(_Sparse):
    """A function that computes a Jacobian as a ``scipy.sparse.csr_array``; made by ``sparse_jacobian``.

    Attributes:
        mode: ``"forward"`` (a product with the Jacobian for each colour of columns) or ``"reverse"`` (with its transpose, for
            each colour of rows).
    """

    def __init__(self, func: TensorFunction, argnums: int, pattern: Any, mode: str, chunk_size: int | None) -> None:
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
        self._wanted = mode
        self.mode = mode
        super().__init__(func, argnums, pattern, chunk_size)

    def _detected(self, func: TensorFunction, x: Any) -> Any:
        return self._propagated(self._run(func, x))

    def _set(self, pattern: Any) -> None:
        pattern.sort_indices()
        self.pattern = pattern
        down = np.bincount(pattern.indices, minlength=1).max(initial=0)  # no colouring of the rows has fewer colours
        forward = None if self._wanted == "reverse" else column_colors(pattern)
        enough = forward is not None and (self._wanted == "forward" or count_colors(forward) < down)
        reverse = None if enough else column_colors(pattern.T.tocsr())
        if reverse is None or (forward is not None and count_colors(forward) < count_colors(reverse)):
            self.mode, self.colors = "forward", forward
        else:
            self.mode, self.colors = "reverse", reverse
        self._rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))

    def _values(self, func: TensorFunction, x: Any) -> Any:
        columns = self.pattern.indices
        if self.mode == "forward":
            compressed = self._forward(func, x)
            return compressed[_index(self.colors[columns]), _index(self._rows)]
        pulled = self._run(func, x)
        self._check(pulled.outputs[0])
        compressed = _pulled_back(pulled, self.colors, self._chunk(max(self.pattern.shape)))
        return compressed[_index(self.colors[self._rows]), _index(columns)]

    def _forward(self, func: TensorFunction, x: Any) -> Any:
        """Products with the sums of the unit vectors of each colour: (colours, rows)."""
        value, derivative = linearize(func, x)
        tensors, _ = flatten(value)
        _check_real(tensors)
        self._check(tensors[0])
        flat = lambda direction: flatten(derivative(direction))[0][0].reshape(-1)  # noqa: E731
        return vmap(flat, chunk_size=self._chunk(max(self.pattern.shape)))(_seeds(self.colors, x))

    def _check(self, output: Any) -> None:
        if output.shp.numel() != self.pattern.shape[0]:
            raise RuntimeError(
                f"the pattern has {self.pattern.shape[0]} rows, and the result {output.shp.numel()} elements"
            )


class SparseHessian(_Sparse):
    """A function that computes a Hessian as a ``scipy.sparse.csr_array``; made by ``sparse_hessian``."""

    def _gradient(self, func: TensorFunction) -> TensorFunction:
        return grad(func)

    def _detected(self, func: TensorFunction, x: Any) -> Any:
        return self._propagated(self._run(self._gradient(func), x))

    def _set(self, pattern: Any) -> None:
        whole = (pattern + pattern.T).tocsr()
        whole.sort_indices()
        self.pattern = whole
        self.colors = star_colors(whole)
        rows = np.repeat(np.arange(whole.shape[0]), np.diff(whole.indptr))
        columns = whole.indices
        # Entry (i, j) stands alone among row i's entries of j's colour, or entry (j, i) does in row j.
        key = rows * max(self.passes, 1) + self.colors[columns]
        _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        alone = counts[inverse] == 1
        self._at = np.where(alone, self.colors[columns], self.colors[rows]), np.where(alone, rows, columns)

    def _values(self, func: TensorFunction, x: Any) -> Any:
        pulled = self._run(self._gradient(func), x)
        compressed = _pulled_back(pulled, self.colors, self._chunk(self.pattern.shape[0]))
        return compressed[_index(self._at[0]), _index(self._at[1])]


def _check_real(outputs: list[Any]) -> None:
    if len(outputs) != 1:
        raise RuntimeError(f"sparse derivatives are those of one tensor, got {len(outputs)}")
    if outputs[0].dt.category == COMPLEX:
        raise RuntimeError("sparse derivatives are those of real functions, the result is complex")


def _index(places: Any) -> Any:
    return from_array(np.ascontiguousarray(places, np.int64))


def _seeds(colors: Any, like: Any) -> Any:
    """For each colour the sum of the unit vectors that have it, in the shape of ``like``."""
    found = np.zeros((count_colors(colors), len(colors)), like.dt.np)
    found[colors, np.arange(len(colors))] = 1
    return from_array(found.reshape((len(found), *like.shp)))


def _pulled_back(pulled: Pulled, colors: Any, chunk: int) -> Any:
    """Products of the transposed Jacobian with the sums of the unit vectors of each colour: (colours, columns)."""
    x = pulled.pullback.inputs[0]
    seeds = _seeds(colors, pulled.outputs[0])
    count = seeds.shp[0]
    parts = [pulled.rows([seeds.narrow(0, i, min(chunk, count - i))])[0] for i in range(0, count, chunk)]
    flat = [p.reshape((p.shp[0], x.shp.numel())) for p in parts]
    return functions.cat(flat) if flat else functions.zeros((0, x.shp.numel()), dtype=x.dt)


def _boolean(pattern: Any) -> Any:
    """A pattern that was given: a SciPy sparse matrix, an array, or a tensor; what is not zero counts."""
    from scipy.sparse import csr_array

    given: Any = pattern
    if isinstance(pattern, TensorBase):
        given = given.detach().numpy()
    found = csr_array(given)
    return csr_array((found.data != 0, found.indices, found.indptr), shape=found.shape)


def sparse_jacobian(
    func: TensorFunction, argnums: int = 0, *, pattern: Any = None, mode: str = "auto", chunk_size: int | None = None
) -> SparseJacobian:
    """A function that computes the Jacobian of ``func`` as a sparse matrix, with few products.

    The first call records a run of ``func``, follows through the graph which result may depend on which input, and
    colours the pattern; every call computes one product for each colour, all in one batch, and reads the entries off.

    Args:
        func: gives one real tensor, of any shape.
        argnums: which argument to differentiate, a real tensor of any shape.
        pattern: where the entries are, when that is known: a SciPy sparse matrix, array or tensor of shape
            ``(number of results, number of inputs)``.
        mode: ``"forward"`` for products with the Jacobian, ``"reverse"`` for products with its transpose, or ``"auto"`` for
            what needs fewer of them.
        chunk_size: so many products at a time; None for what fits into some 100 MB.

    Returns:
        Function of the same arguments that gives a ``scipy.sparse.csr_array`` with a row for each element of the result and a
        column for each of the input (both in row-major order). See ``SparseJacobian`` for what else it has: ``pattern``,
        ``colors``, ``passes``, ``mode``, ``unknown``, ``detect``, ``values``.

    Raises:
        RuntimeError: when the pattern is dense, or the function is not real or gives several tensors.

    Example:
        >>> import wengert as wg
        >>> jacobian = wg.func.sparse_jacobian(lambda x: x[1:] * x[:-1])
        >>> jacobian(wg.tensor([1.0, 2.0, 3.0, 4.0])).toarray().tolist()
        [[2.0, 1.0, 0.0, 0.0], [0.0, 3.0, 2.0, 0.0], [0.0, 0.0, 4.0, 3.0]]
        >>> jacobian.passes
        2
    """
    return SparseJacobian(func, argnums, pattern, mode, chunk_size)


def sparse_hessian(
    func: TensorFunction, argnums: int = 0, *, pattern: Any = None, chunk_size: int | None = None
) -> SparseHessian:
    """A function that computes the Hessian of ``func`` as a sparse matrix, with few products.

    As ``sparse_jacobian`` of the gradient; the colouring is a star colouring, which uses that the matrix is symmetric.

    Args:
        func: gives a tensor without dimensions.
        argnums: which argument to differentiate, a real tensor of any shape.
        pattern: where the entries are, when that is known.
        chunk_size: so many products at a time; None for what fits into some 100 MB.

    Returns:
        Function of the same arguments that gives a ``scipy.sparse.csr_array``; see ``sparse_jacobian``.

    Example:
        >>> import wengert as wg
        >>> hessian = wg.func.sparse_hessian(lambda x: (x[1:] * x[:-1] ** 2).sum())
        >>> hessian(wg.tensor([1.0, 2.0, 3.0])).toarray().tolist()
        [[4.0, 2.0, 0.0], [2.0, 6.0, 4.0], [0.0, 4.0, 0.0]]
    """
    return SparseHessian(func, argnums, pattern, chunk_size)
