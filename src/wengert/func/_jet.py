"""Taylor mode: derivatives of any order in one pass, by arithmetic on truncated power series."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase
from . import _jet_rules as _jet_rules  # fills the table
from . import _physical
from ._dispatch import operator, visible
from ._entries import ENTRIES
from ._jet_tensor import Coefficients, JetTensor
from ._levels import Level, entered
from ._reverse import TensorFunction
from ._tree import Structure, flatten, unflatten

JET = "jet(f, primals, series)"


def jet(
    func: TensorFunction, primals: Any, series: Any, *, factorial_scaled: bool = True, has_aux: bool = False
) -> Any:
    """The value of ``func`` along a curve, and the derivatives of the value along the curve, up to any order at once.

    The curve is ``x(t)`` with ``x(0)`` the primals and the derivatives of ``x`` at 0 the series; the result is ``f(x(t))`` at
    0 and its derivatives with respect to ``t``. Every operator is run once, on truncated power series: n orders cost O(n**2)
    products of coefficients, where n nested gradients cost exponentially many.

    Args:
        func: function of floating-point or complex tensors, or of nested tuples, lists and dicts of them.
        primals: tuple of its arguments.
        series: for each primal a tuple or list of n tensors of its shape, the derivatives of order 1 to n; where a primal is
            nested, the series is nested like it with such a list for each tensor.
        factorial_scaled: False if the entry of order k is the Taylor coefficient, the derivative over ``k!``, in ``series`` and
            in the result.
        has_aux: whether ``func`` returns a pair of its value and something else.

    Returns:
        ``(value, series)``, the series nested as the value with a list of n tensors for each tensor; or
        ``(value, series, aux)``.

    Raises:
        RuntimeError: when series do not fit the primals, or ``func`` gives anything but tensors.
        NotImplementedError: for an operator whose derivatives cannot be computed, which is named.

    Example:
        >>> import wengert as wg
        >>> x = wg.tensor(0.5, dtype=wg.float64)
        >>> wg.func.jet(lambda v: v**3, (x,), ([wg.ones_like(x), wg.zeros_like(x)],))
        (tensor(0.1250, dtype=torch.float64), [tensor(0.7500, dtype=torch.float64), tensor(3., dtype=torch.float64)])

    Source: the convention of ``jax.experimental.jet.jet``. A. Griewank, A. Walther: Evaluating Derivatives (2008), chapter 13.
    """
    leaves, rows = _checked(primals, series)
    order = len(rows[0]) if rows else 0
    with entered("jet") as level:
        level.batch_size = order + 1
        ENTRIES.acquire(func)
        try:
            jets = [_stacked(level, x, row, factorial_scaled) for x, row in zip(leaves, rows, strict=True)]
            output = visible(func)(*unflatten(jets, flatten(primals)[1]))
            value, aux = _split(output, has_aux)
            outputs, structure = flatten(value)
            found = [_rows(level, out, factorial_scaled) for out in outputs]
            extra = _without_series(level, aux)
        finally:
            ENTRIES.release()
    result = (unflatten([row[0] for row in found], structure), unflatten([row[1:] for row in found], structure))
    return (*result, extra) if has_aux else result


def collapsed(func: TensorFunction, x: Any, directions: Any) -> Any:
    """The sum of the second derivatives of ``func`` along directions, see Note [Collapsed second derivatives].

    Raises:
        Uncollapsed: when an operator has no rule for that.
    """
    with entered("laplacian") as level:
        level.batch_size = directions.shp[0] + 2
        ENTRIES.acquire(func)
        try:
            rows = operator("cat")([x.unsqueeze(0), directions, _physical.zeros_like(x).unsqueeze(0)])
            output = _split(visible(func)(JetTensor(rows, level)), False)[0]
            outputs, structure = flatten(output)
            return unflatten([_last_row(level, out) for out in outputs], structure)
        finally:
            ENTRIES.release()


def _last_row(level: Level, out: Any) -> Any:
    if not (isinstance(out, JetTensor) and out.level is level):
        return _physical.zeros_like(out)
    return out.value.select(0, level.batch_size - 1) * 2


def _checked(primals: Any, series: Any) -> tuple[list[Any], list[list[Any]]]:
    """The tensors of the primals, and the series of each."""
    for name, given in (("primals", primals), ("series", series)):
        if not isinstance(given, (tuple, list)):
            raise RuntimeError(f"{JET}: Expected {name} to be a tuple or list, got {type(given)}")
    leaves, structure = flatten(primals)
    rows: list[list[Any]] = []
    _series_of(series, structure, rows)
    for x, row in zip(leaves, rows, strict=True):
        if not isinstance(x, TensorBase):
            raise RuntimeError(f"{JET}: Expected primals to only contain Tensors, got {type(x)}")
        if x.dt.category < FLOATING:
            raise RuntimeError(f"{JET}: primals must be floating-point or complex, got a tensor of dtype {x.dt!r}")
        if len(row) != len(rows[0]):
            raise RuntimeError(f"{JET}: all series must have as many terms, got {[len(r) for r in rows]}")
        for k, term in enumerate(row):
            if not isinstance(term, TensorBase):
                raise RuntimeError(f"{JET}: Expected series to only contain Tensors, got {type(term)}")
            if term.shp != x.shp:
                raise RuntimeError(
                    f"{JET}: a term of a series has the shape of its primal, got {tuple(term.shp)} in order {k + 1} for a "
                    f"primal of shape {tuple(x.shp)}"
                )
    return leaves, rows


def _series_of(series: Any, structure: Structure, rows: list[list[Any]]) -> None:
    """Collect what stands in ``series`` in the places of the tensors of ``structure``."""
    if structure.kind is None:
        if not isinstance(series, (tuple, list)):
            raise RuntimeError(
                f"{JET}: the series of a tensor is a tuple or list of its derivatives, got {type(series)}"
            )
        rows.append(list(series))
        return
    keyed = structure.keys is not None
    fits = isinstance(series, dict if keyed else (tuple, list)) and len(series) == len(structure.children)
    if not fits or (keyed and set(series) != set(structure.keys)):
        raise RuntimeError(
            f"{JET}: Expected series to be nested like the primals with a list of derivatives for each tensor; the primals are "
            f"nested as {structure!r}, here is {flatten(series)[1]!r}"
        )
    for child, part in zip(structure.children, [series[k] for k in structure.keys] if keyed else series, strict=True):
        _series_of(part, child, rows)


def _stacked(level: Level, x: Any, row: list[Any], factorial_scaled: bool) -> JetTensor:
    """The jet with these derivatives."""
    terms = [term / math.factorial(k) if factorial_scaled and k > 1 else term for k, term in enumerate(row, 1)]
    return JetTensor(operator("stack")([x, *(t if t.dt is x.dt else t.to(x.dt) for t in terms)]), level)


def _split(output: Any, has_aux: bool) -> tuple[Any, Any]:
    """Value and auxiliary result of ``func``."""
    aux = None
    if has_aux:
        if not (isinstance(output, tuple) and len(output) == 2):
            raise RuntimeError(f"{JET}: output of function f should be a tuple: (output, aux) if has_aux is True")
        output, aux = output
    for out in flatten(output)[0]:
        if not isinstance(out, TensorBase):
            raise RuntimeError(f"{JET}: expected f(*primals) to return only tensors, got unsupported type {type(out)}")
    return output, aux


def _rows(level: Level, out: Any, factorial_scaled: bool) -> list[Any]:
    """Value and derivatives of an output; zeros for what does not depend on the primals."""
    if not (isinstance(out, JetTensor) and out.level is level):
        zeros = [_physical.zeros_like(out) for _ in range(level.batch_size - 1)]
        return [out, *zeros]
    rows = list(out.value.unbind(0))
    return [row * math.factorial(k) if factorial_scaled and k > 1 else row for k, row in enumerate(rows)]


def _without_series(level: Level, aux: Any) -> Any:
    """Auxiliary results as constants."""
    batch = Coefficients(level)
    leaves, structure = flatten(aux)
    return unflatten([batch.primal(leaf) for leaf in leaves], structure)


def _along_ones(func: TensorFunction, order: int, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Value and derivatives of ``t -> func(x + t)``."""
    if not isinstance(x, TensorBase):
        raise TypeError(f"derivatives: the first argument must be a Tensor, got {type(x)}")
    ones, zeros = _physical.ones_like(x), _physical.zeros_like(x)
    series = [ones] + [zeros] * (order - 1) if order else []
    return jet(lambda v: visible(func)(v, *args, **kwargs), (x,), (series,))


def _check_order(order: Any) -> None:
    if isinstance(order, bool) or not isinstance(order, int):
        raise TypeError(f"the order of a derivative is an int, got {type(order).__name__}")
    if order < 0:
        raise ValueError(f"the order of a derivative is not negative, got {order}")


def derivatives(func: TensorFunction, n: int) -> Callable[..., Any]:
    """A function that computes ``func`` and its derivatives of order 1 to ``n``, in one pass.

    They are those of ``t -> func(x + t)`` at ``t = 0``: for a 0-d tensor the ordinary derivatives, for a function that works
    element by element the derivatives at every element.

    Args:
        func: function of a floating-point or complex tensor and perhaps further arguments, with a tensor or nested tuples,
            lists and dicts of them as value.
        n: the highest order.

    Returns:
        Function of the same arguments giving a tuple of ``n + 1`` values, the first of which is that of ``func``.

    Raises:
        TypeError, ValueError: for an order that is no natural number.
        NotImplementedError: for an operator whose derivatives cannot be computed, which is named.

    Example:
        >>> import wengert as wg
        >>> wg.func.derivatives(lambda x: x**4, 4)(wg.tensor(2.0))
        (tensor(16.), tensor(32.), tensor(48.), tensor(48.), tensor(24.))
    """
    _check_order(n)

    @functools.wraps(func)
    def wrapper(x: Any, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        value, series = _along_ones(func, n, x, args, kwargs)
        leaves, structure = flatten(value)
        columns = [[leaf] for leaf in leaves]
        _collect(series, structure, columns)
        return tuple(unflatten([column[k] for column in columns], structure) for k in range(n + 1))

    return wrapper


def _collect(series: Any, structure: Structure, columns: list[list[Any]]) -> None:
    """Append to each column the series that stands in its place."""
    rows: list[list[Any]] = []
    _series_of(series, structure, rows)
    for column, row in zip(columns, rows, strict=True):
        column.extend(row)


def derivative(func: TensorFunction, n: int = 1) -> Callable[..., Any]:
    """A function that computes the ``n``-th derivative of ``func``.

    Args:
        func: see ``derivatives``.
        n: the order.

    Returns:
        Function of the same arguments, giving ``d**n/dt**n func(x + t)`` at ``t = 0``.

    Raises:
        TypeError, ValueError: for an order that is no natural number.
        NotImplementedError: for an operator whose derivatives cannot be computed, which is named.

    Example:
        >>> import wengert as wg
        >>> wg.func.derivative(wg.sin, 3)(wg.tensor([0.0, 1.0]))
        tensor([-1.0000, -0.5403])
    """
    _check_order(n)
    every = derivatives(func, n)

    @functools.wraps(func)
    def wrapper(x: Any, *args: Any, **kwargs: Any) -> Any:
        return every(x, *args, **kwargs)[n]

    return wrapper


def directional_derivative(func: TensorFunction, primals: Any, tangents: Any, order: int = 1) -> Any:
    """The derivative of any order of ``func`` in a direction: ``d**n/dt**n func(x + t v)`` at ``t = 0``.

    For ``order`` 2 that is ``v^T H v``, computed without the Hessian ``H`` and without a gradient.

    Args:
        func: function of floating-point or complex tensors, or of nested tuples, lists and dicts of them.
        primals: tuple of its arguments ``x``.
        tangents: the direction ``v``, nested and shaped like ``primals``.
        order: n.

    Returns:
        What ``func`` returns, with the derivatives in place of the values.

    Raises:
        RuntimeError, TypeError: when tangents do not fit the primals.
        TypeError, ValueError: for an order that is no natural number.

    Example:
        >>> import wengert as wg
        >>> x, v = wg.tensor([1.0, 2.0]), wg.tensor([1.0, -1.0])
        >>> wg.func.directional_derivative(lambda a: (a**3).sum(), (x,), (v,), 2)  # 6 x v**2, added
        tensor(18.)
    """
    _check_order(order)
    structure = flatten(primals)[1]
    directions, other = flatten(tangents)
    if structure != other:
        raise RuntimeError(
            "directional_derivative: Expected primals and tangents to have the same python structure, got "
            f"{structure!r} and {other!r}"
        )
    for v in directions:
        if not isinstance(v, TensorBase):
            raise TypeError(f"directional_derivative: Expected tangents to only contain Tensors, got {type(v)}")
    series = [[v, *[_physical.zeros_like(v)] * (order - 1)] if order else [] for v in directions]
    value, found = jet(func, tuple(primals), unflatten(series, structure))
    if order == 0:
        return value
    rows: list[list[Any]] = []
    _series_of(found, flatten(value)[1], rows)
    return unflatten([row[order - 1] for row in rows], flatten(value)[1])
