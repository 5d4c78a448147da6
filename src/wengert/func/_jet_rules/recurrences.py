"""Power series arithmetic on tensors that hold coefficients along their first dimension.

With ``u(t) = sum u_k t**k`` and ``z(t) = f(u(t))``, a differential equation for ``f`` gives ``z_k`` from the coefficients before
it: n of them cost O(n**2) multiplications.

Source: A. Griewank, A. Walther: Evaluating Derivatives (2008), chapter 13; the recurrences follow from the equations stated.
"""

from __future__ import annotations

from typing import Any

from ..._core.dtypes import COMPLEX
from ..._gen import functions
from .._dispatch import operator


def stacked(rows: list[Any]) -> Any:
    """Coefficients along a new first dimension."""
    return operator("stack")(rows)


def counted(n: int, like: Any) -> Any:
    """``1, 2, ..., n`` along the first dimension of a tensor with as many dimensions as ``like``."""
    dt = like.dt.to_real() if like.dt.category == COMPLEX else like.dt
    return functions.arange(1, n + 1, dtype=dt).reshape((n,) + (1,) * (len(like.shp) - 1))


def head(u: Any, n: int) -> Any:
    """The first ``n`` coefficients."""
    return u.narrow(0, 0, n)


def slope(u: Any) -> Any:
    """The derivative: ``k u_k``, one coefficient less."""
    n = u.shp[0] - 1
    return u.narrow(0, 1, n) * counted(n, u)


def convolved(a: Any, reverse: Any, k: int) -> Any:
    """``sum a_i b_(k - i)``, with ``b`` in reverse order."""
    n = reverse.shp[0]
    return (a.narrow(0, 0, k + 1) * reverse.narrow(0, n - 1 - k, k + 1)).sum(0)


def product(a: Any, b: Any) -> Any:
    """``a b`` of two series that have as many coefficients."""
    reverse = b.flip(0)
    first = a.select(0, 0) * b.select(0, 0)
    return stacked([first, *(convolved(a, reverse, k) for k in range(1, a.shp[0]))])


def antiderivative(start: Any, rates: Any) -> Any:
    """``start`` plus the integral of a series."""
    return operator("cat")([start.unsqueeze(0), rates / counted(rates.shp[0], rates)])


def quotient(a: Any, b: Any, first: Any) -> Any:
    """``z = a / b``: ``b z = a``; ``first`` is ``a_0 / b_0``."""
    rows = [first]
    divisor = b.select(0, 0)
    for k in range(1, b.shp[0]):
        known = (b.narrow(0, 1, k) * stacked(rows[::-1])).sum(0)
        rows.append((a.select(0, k) - known) / divisor)
    return stacked(rows)


def reciprocal(u: Any, first: Any) -> Any:
    """``z = 1 / u``: ``u z = 1``."""
    rows = [first]
    for k in range(1, u.shp[0]):
        rows.append(-(u.narrow(0, 1, k) * stacked(rows[::-1])).sum(0) * first)
    return stacked(rows)


def root(u: Any, first: Any) -> Any:
    """``z = sqrt(u)``: ``z z = u``."""
    rows = [first]
    double = first + first
    for k in range(1, u.shp[0]):
        rest = u.select(0, k)
        if k > 1:
            inner = stacked(rows[1:])
            rest = rest - (inner * inner.flip(0)).sum(0)
        rows.append(rest / double)
    return stacked(rows)


def quadratic(u: Any, first: Any, a: float, b: float, c: float) -> Any:
    """``z = f(u)`` with ``f' = a + b f + c f**2``: exp, tanh, tan, sigmoid, expm1."""
    rows: list[Any] = [first]
    rates: list[Any] = []
    reverse = slope(u).flip(0)
    for k in range(u.shp[0] - 1):
        terms: list[Any] = [rows[k] if b == 1 else rows[k] * b] if b else []
        if c:
            z = stacked(rows)
            terms.append((z * z.flip(0)).sum(0) * c)
        if a and k == 0:
            terms.append(a)
        rates.append(terms[0] if len(terms) == 1 else sum(terms[1:], terms[0]))
        rows.append(convolved(stacked(rates), reverse, k) / (k + 1))
    return stacked(rows)


def pair(u: Any, s: Any, c: Any, sign: float) -> tuple[Any, Any]:
    """``s' = c u'``, ``c' = sign s u'``: sine and cosine (-1), the hyperbolic ones (1)."""
    first, second = [s], [c]
    reverse = slope(u).flip(0)
    for k in range(u.shp[0] - 1):
        next_s = convolved(stacked(second), reverse, k) / (k + 1)
        next_c = convolved(stacked(first), reverse, k) * (sign / (k + 1))
        first.append(next_s)
        second.append(next_c)
    return stacked(first), stacked(second)


def composed(u: Any, coefficients: list[Any]) -> Any:
    """``f(u)`` from the Taylor coefficients of ``f`` at ``u_0``: the sum of ``c_m (u - u_0)**m``.

    A power ``m`` begins with ``t**m``: coefficients that it does not reach stay finite where ``c_m`` is not.
    """
    n = u.shp[0]
    total = [coefficients[0].expand(u.shp[1:]) if n == 1 else coefficients[0]]
    if n == 1:
        return stacked(total)
    change = u.narrow(0, 1, n - 1)
    power = change
    total += [coefficients[1] * row for row in power.unbind(0)]
    for m in range(2, n):
        power = product(head(change, n - m), head(power, n - m))
        for k, row in enumerate(power.unbind(0)):
            total[m + k] = total[m + k] + coefficients[m] * row
    return stacked(total)
