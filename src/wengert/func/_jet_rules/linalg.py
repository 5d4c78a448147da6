"""Inverses, solutions, determinants and Cholesky factors: coefficient by coefficient from the equation that defines them."""

from __future__ import annotations

from typing import Any

from .._dispatch import Rule, operator, words
from .._jet_dispatch import SERIES_ONLY, jet_rule
from .._jet_tensor import Coefficients, JetTensor
from . import recurrences

SERIES_ONLY.update(
    words("inverse linalg.inv linalg.solve logdet slogdet linalg.slogdet det linalg.det cholesky linalg.cholesky")
)


@jet_rule("inverse", "linalg.inv")
def inverse(batch: Coefficients, call: Rule, A: Any) -> Any:
    """``A Z = 1``."""
    first = call(A.primal())
    rows = [first]
    for k in range(1, batch.size):
        known = (A.value.narrow(0, 1, k) @ recurrences.stacked(rows[::-1])).sum(0)
        rows.append(-(first @ known))
    return batch.wrap(recurrences.stacked(rows))


@jet_rule("linalg.solve")
def solve(batch: Coefficients, call: Rule, A: Any, B: Any, *, left: bool = True) -> Any:
    """``A Z = B`` (``Z A = B`` unless ``left``); all coefficients are solved for with the matrix of the value."""
    if len(A.shp) > 2 and tuple(B.shp) == tuple(A.shp)[:-1]:  # a vector for each matrix
        return operator("linalg.solve")(A, B.unsqueeze(-1)).squeeze(-1)
    first = call(batch.primal(A), batch.primal(B), left=left)
    B = batch.lifted(B)
    rows = [first]
    for k in range(1, batch.size):
        right = B.value.select(0, k)
        if batch.has(A):
            for j in range(1, k + 1):
                factor = A.value.select(0, j)
                right = right - (
                    operator("matmul")(factor, rows[k - j]) if left else operator("matmul")(rows[k - j], factor)
                )
        rows.append(call(batch.primal(A), right, left=left))
    return batch.wrap(recurrences.stacked(rows))


@jet_rule("logdet")
def logdet(batch: Coefficients, call: Rule, A: Any) -> Any:
    """``z' = trace(A**-1 A')``."""
    return (
        batch.wrap(recurrences.antiderivative(call(A.primal()), log_rate(A)))
        if batch.size > 1
        else _value(batch, call, A)
    )


@jet_rule("slogdet", "linalg.slogdet")
def slogdet(batch: Coefficients, call: Rule, A: Any) -> Any:
    """The sign of a real matrix is a constant, that of a complex one turns by the imaginary part of the rate."""
    result = call(A.primal())
    if batch.size == 1:
        return type(result)([result[0], batch.lifted(result[1])])
    rate = log_rate(A)
    if not A.is_complex():
        return type(result)([result[0], batch.wrap(recurrences.antiderivative(result[1], rate))])
    angle = recurrences.antiderivative(operator("zeros_like")(result[1]), rate.imag)
    turned = (batch.wrap(angle) * 1j).exp() * result[0]
    return type(result)([turned, batch.wrap(recurrences.antiderivative(result[1], rate.real))])


@jet_rule("det", "linalg.det")
def det(batch: Coefficients, call: Rule, A: Any) -> Any:
    """The value times ``exp`` of the change of the logarithm."""
    if batch.size == 1:
        return _value(batch, call, A)
    value = call(A.primal())
    logarithm = recurrences.antiderivative(operator("zeros_like")(value), log_rate(A))
    return batch.wrap(logarithm).exp() * value


def _value(batch: Coefficients, call: Rule, A: Any) -> Any:
    return batch.lifted(call(A.primal()))


def log_rate(A: Any) -> Any:
    """The coefficients of ``trace(A**-1 A')``."""
    n = A.value.shp[0] - 1
    lower = JetTensor(recurrences.head(A.value, n), A.level)
    slope = JetTensor(recurrences.slope(A.value), A.level)
    return (operator("linalg.inv")(lower) * slope.mT).sum((-2, -1)).value


@jet_rule("cholesky", "linalg.cholesky")
def cholesky(batch: Coefficients, call: Rule, A: Any, upper: bool = False) -> Any:
    """``L L^H = A``: what a coefficient adds is the lower half, the diagonal halved, of ``L_0**-1 R L_0**-H``.

    Of the coefficients after the first, which must be Hermitian like the value, that part is taken.
    """
    lower = operator("linalg.cholesky")(A.primal(), upper=upper)
    lower = lower.mH if upper else lower
    inverse = operator("linalg.inv")(lower)
    rows = [lower]
    for k in range(1, batch.size):
        rest = A.value.select(0, k)
        rest = (rest + rest.mH) * 0.5
        for j in range(1, k):
            rest = rest - rows[j] @ rows[k - j].mH
        inner = inverse @ rest @ inverse.mH
        half = inner.tril() - operator("diag_embed")(inner.diagonal(0, -2, -1)) * 0.5
        rows.append(lower @ half)
    result = batch.wrap(recurrences.stacked(rows))
    return result.mH if upper else result
