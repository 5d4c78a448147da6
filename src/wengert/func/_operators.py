"""Products with second derivatives, and the differential operators of physics."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .._core.dtypes import FLOATING
from .._core.tensor_base import TensorBase
from .._gen import functions
from . import _physical
from ._dispatch import operator, visible
from ._forward import jvp
from ._jacobians import jacfwd
from ._jet import collapsed, jet
from ._jet_tensor import Uncollapsed
from ._reverse import TensorFunction, grad_and_value, vjp
from ._tree import flatten, tree_map, unflatten
from ._vmap import vmap


def hvp(func: TensorFunction, primals: Any, tangents: Any, *, has_aux: bool = False) -> Any:
    """The value of ``func`` and the product ``H v`` of its Hessian with a vector: forward mode over reverse mode.

    The Hessian is never formed; the cost is that of a few gradients. For many products at one point, as in a conjugate-gradient
    method, record the gradient once: ``_, product = linearize(grad(func), x)``.

    Args:
        func: function of tensors, or of nested tuples, lists and dicts of them, with a 0-d value.
        primals: tuple of its arguments.
        tangents: the vector ``v``, nested and shaped like ``primals``.
        has_aux: whether ``func`` returns a pair of its value and something else.

    Returns:
        ``(value, product)`` or ``(value, product, aux)``; the product is nested like ``primals``.

    Raises:
        RuntimeError: when the value is not 0-d, or tangents do not fit the primals.

    Example:
        >>> import wengert as wg
        >>> x, v = wg.tensor([1.0, 2.0]), wg.tensor([1.0, 0.0])
        >>> wg.func.hvp(lambda a: (a**3).sum(), (x,), (v,))
        (tensor(9.), (tensor([6., 0.]),))
    """
    _check_tuple("hvp", primals)
    both = grad_and_value(func, tuple(range(len(primals))), has_aux)

    def gradient(*args: Any) -> Any:
        found, value = both(*args)
        return found, value

    _, product, value = jvp(gradient, primals, tangents, has_aux=True)
    return (value[0], product, value[1]) if has_aux else (value, product)


def gnvp(func: TensorFunction, loss: TensorFunction, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of ``loss(func(x))`` and the product ``J^T H J v`` of its Gauss-Newton matrix with a vector.

    ``J`` is the Jacobian of ``func`` and ``H`` the Hessian of ``loss`` at ``func(x)``. For a convex loss the matrix is positive
    semidefinite; for the sum of squares it is ``2 J^T J``; for losses that are negative log-likelihoods in natural parameters
    (cross entropy of logits) it is the Fisher information.

    Args:
        func: the model, a function of tensors, or of nested tuples, lists and dicts of them.
        loss: function of the value of ``func`` (a tensor, or nested tensors) with a 0-d value.
        primals: tuple of the arguments of ``func``.
        tangents: the vector ``v``, nested and shaped like ``primals``.

    Returns:
        ``(value, product)``; the product is nested like ``primals``.

    Raises:
        RuntimeError: when the value of ``loss`` is not 0-d, or tangents do not fit the primals.

    Example:
        >>> import wengert as wg
        >>> x, v = wg.tensor([1.0, 2.0]), wg.tensor([1.0, 1.0])
        >>> wg.func.gnvp(lambda a: a * a, lambda y: 0.5 * (y * y).sum(), (x,), (v,))  # J = diag(2 x), H = 1
        (tensor(8.5000), (tensor([ 4., 16.]),))

    Source: N. Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent" (2002).
    """
    _check_tuple("gnvp", primals)
    outputs, pull = vjp(func, *primals)
    _, pushed = jvp(func, primals, tangents)
    value, curved = hvp(loss, (outputs,), (pushed,))
    return value, pull(curved[0])


def _check_tuple(name: str, primals: Any) -> None:
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{name}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals), got {type(primals)}"
        )


def _restricted(name: str, func: TensorFunction, argnum: Any, args: tuple[Any, ...], kwargs: Any) -> tuple[Any, Any]:
    """``func`` as a function of one tensor, and that tensor.

    Raises:
        IndexError: when there is no such argument.
        TypeError: when it is no floating-point tensor.
    """
    if not isinstance(argnum, int) or not -len(args) <= argnum < len(args):
        raise IndexError(f"{name}: argnum={argnum}, but there are {len(args)} positional arguments")
    place = argnum % len(args)
    x = args[place]
    if not isinstance(x, TensorBase) or x.dt.category != FLOATING:
        what = f"a Tensor of dtype {x.dt!r}" if isinstance(x, TensorBase) else f"{type(x)}"
        raise TypeError(f"{name}: argument {place} must be a real floating-point Tensor, got {what}")

    def restricted(v: Any) -> Any:
        return visible(func)(*args[:place], v, *args[place + 1 :], **kwargs)

    return restricted, x


def _unit_vectors(x: Any) -> Any:
    """One row per element of ``x``: the direction of that element."""
    n = x.shp.numel()
    return functions.eye(n, dtype=x.dt).reshape((n, *x.shp))


def laplacian(func: TensorFunction, argnum: int = 0, *, chunk_size: int | None = None) -> Callable[..., Any]:
    """A function that computes the Laplacian of ``func``: the sum of its second derivatives with respect to every element.

    It is the trace of the Hessian of each output, computed in one pass without a gradient: beside each value go its first
    derivatives and the sum of its second ones (Note [Collapsed second derivatives]). Operators for which that is not written
    are run by Taylor arithmetic of order 2 along every direction. For each point of a batch: ``vmap(laplacian(u))(points)``.

    Args:
        func: function of tensors; its value is a tensor or nested tuples, lists and dicts of them.
        argnum: which argument; a real floating-point tensor of any shape.
        chunk_size: so many directions at a time; None for all.

    Returns:
        Function of the same arguments giving what ``func`` gives, with the Laplacians in place of the values.

    Raises:
        IndexError: when there is no such argument.
        TypeError: when it is no real floating-point tensor.
        ValueError: for a chunk size that is not positive.

    Example:
        >>> import wengert as wg
        >>> wg.func.laplacian(lambda x: (x**3).sum())(wg.tensor([1.0, 2.0]))
        tensor(18.)
    """

    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"laplacian: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        restricted, x = _restricted("laplacian", func, argnum, args, kwargs)
        directions = _unit_vectors(x)
        size = max(chunk_size or directions.shp[0], 1)
        parts = [_sum_of_second(restricted, x, part) for part in directions.split(size)]
        leaves = [flatten(part)[0] for part in parts]
        return unflatten([sum(column[1:], column[0]) for column in zip(*leaves, strict=True)], flatten(parts[0])[1])

    return wrapper


def _sum_of_second(func: TensorFunction, x: Any, directions: Any) -> Any:
    """The sum of the second derivatives of ``func`` along some directions."""
    try:
        return collapsed(func, x, directions)
    except Uncollapsed:
        pass
    zeros = _physical.zeros_like(x)

    def second(direction: Any) -> Any:
        value, series = jet(func, (x,), ([direction, zeros],))
        return unflatten(flatten(series)[0][1::2], flatten(value)[1])

    return tree_map(lambda t: t.sum(0), vmap(second, randomness="same")(directions))


def divergence(func: TensorFunction, argnum: int = 0, *, chunk_size: int | None = None) -> Callable[..., Any]:
    """A function that computes the divergence of a vector field: the trace of its Jacobian.

    Args:
        func: function of tensors, with a value of the same shape as the argument that is differentiated.
        argnum: which argument; a real floating-point tensor of any shape.
        chunk_size: so many directions at a time; None for all.

    Returns:
        Function of the same arguments giving a 0-d tensor.

    Raises:
        IndexError: when there is no such argument.
        TypeError: when it is no real floating-point tensor.
        ValueError: when the value has another shape.

    Example:
        >>> import wengert as wg
        >>> wg.func.divergence(lambda x: x * x.sum())(wg.tensor([1.0, 2.0]))
        tensor(9.)
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        restricted, x = _restricted("divergence", func, argnum, args, kwargs)

        def entry(direction: Any) -> Any:
            value, tangent = jvp(restricted, (x,), (direction,))
            _check_field("divergence", value, x)
            return (tangent * direction).sum()

        return vmap(entry, randomness="same", chunk_size=chunk_size)(_unit_vectors(x)).sum(0)

    return wrapper


def _check_field(name: str, value: Any, x: Any) -> None:
    if not isinstance(value, TensorBase) or value.shp != x.shp:
        what = tuple(value.shp) if isinstance(value, TensorBase) else type(value)
        raise ValueError(f"{name}: a vector field has a value of the shape {tuple(x.shp)} of its argument, got {what}")


def curl(func: TensorFunction, argnum: int = 0) -> Callable[..., Any]:
    """A function that computes the curl of a vector field in three dimensions, or the scalar one in two.

    ``(dF3/dx2 - dF2/dx3, dF1/dx3 - dF3/dx1, dF2/dx1 - dF1/dx2)``; in two dimensions the last of these.

    Args:
        func: function of tensors, with a value of shape (3,) or (2,) like the argument that is differentiated.
        argnum: which argument.

    Returns:
        Function of the same arguments giving a tensor of shape (3,), or a 0-d tensor in two dimensions.

    Raises:
        IndexError: when there is no such argument.
        TypeError: when it is no real floating-point tensor.
        ValueError: when the shapes are others.

    Example:
        >>> import wengert as wg
        >>> wg.func.curl(lambda x: wg.stack([x[2], x[0], x[1]]))(wg.tensor([1.0, 2.0, 3.0]))
        tensor([1., 1., 1.])
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        restricted, x = _restricted("curl", func, argnum, args, kwargs)
        if tuple(x.shp) not in ((2,), (3,)):
            raise ValueError(f"curl: the argument has shape (3,) or (2,), got {tuple(x.shp)}")

        def checked(v: Any) -> Any:
            value = restricted(v)
            _check_field("curl", value, x)
            return value

        J = jacfwd(checked)(x)
        if x.shp[0] == 2:
            return J[1, 0] - J[0, 1]
        return operator("stack")([J[2, 1] - J[1, 2], J[0, 2] - J[2, 0], J[1, 0] - J[0, 1]])

    return wrapper
