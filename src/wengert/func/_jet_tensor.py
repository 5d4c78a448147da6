"""``JetTensor``: what a function sees under ``jet`` instead of its argument.

Note [A jet is one tensor]
    A polynomial ``x_0 + x_1 t + ... + x_n t**n`` with tensors as coefficients is held as one physical tensor, in which they lie
    along the first dimension. A linear operator is applied to each coefficient: what a batching rule of ``vmap`` does along that
    dimension, and so those rules are used. Operators that are not linear have rules of their own, written with ordinary,
    recorded operators on coefficients: gradients of jets, jets of gradients and jets of jets need no formulas.
    Coefficients are those of Taylor: ``x_k`` is the k-th derivative over ``k!``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .._core.dtypes import FLOATING, intern_size
from .._core.tensor_base import TensorBase
from .._gen import functions
from .._tensor import Tensor
from ._batched import BATCHES, Batch, BatchedTensor, NoArray
from ._levels import Level

UNSEEN: Final = (
    "jet: a tensor with a Taylor series reached an operator that jet does not see\n"
    "  try: call it as a method of the tensor or by its public name; or compute it outside of jet"
)
NO_NUMPY: Final = (
    "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.\n"
    "  the tensor has a Taylor series, which an array would lose"
)
_NO_ARRAY: Final = NoArray(UNSEEN)


class JetTensor(BatchedTensor):
    """A tensor under ``jet``: shape and dtype are those of one coefficient.

    Attributes:
        value: the coefficients, stacked along the first dimension.
        level: the ``jet`` it belongs to.
    """

    def __init__(self, value: Any, level: Level) -> None:
        self.value = value
        self.bdim = 0
        self.level = level
        Tensor.__init__(self, _NO_ARRAY, value.dt, intern_size(tuple(value.shp)[1:]))

    def opening(self) -> str:
        """How its text begins."""
        return f"JetTensor(lvl={self.level.number}, order={self.value.shp[0] - 1}, value="

    def primal(self) -> Any:
        """The first coefficient: the value."""
        return self.value.select(0, 0)

    # -- values leave as constants, as they do under grad ----------------------------------------------------------------

    def item(self) -> Any:
        """The value as a Python number."""
        return self.primal().item()

    def __float__(self) -> float:
        return float(self.primal())

    def __int__(self) -> int:
        return int(self.primal())

    def __complex__(self) -> complex:
        return complex(self.primal())

    def __bool__(self) -> bool:
        return bool(self.primal())

    def __contains__(self, element: Any) -> bool:
        return element in self.primal()

    def is_nonzero(self) -> bool:
        """Whether the value is not zero."""
        return bool(self.primal())

    def tolist(self) -> Any:
        """The value as nested lists."""
        return self.primal().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """Refused: an array has no Taylor series."""
        raise RuntimeError(NO_NUMPY)

    def __copy__(self) -> Any:
        return JetTensor(self.value, self.level)


class Coefficients(Batch):
    """One application of a rule; ``size`` is the number of coefficients, at most those of the level."""

    def __init__(self, level: Level, size: int | None = None) -> None:
        super().__init__(level)
        if size is not None:
            self.size = size

    def full(self, value: Any) -> Any:
        """All coefficients; those of a constant are zero but for the first. Indices and masks are the same for all."""
        if self.has(value):
            return value.value
        first = value.unsqueeze(0)
        if value.dt.category < FLOATING:
            return first.expand(self.size, *value.shp)
        from ._dispatch import operator

        zeros = functions.zeros((self.size - 1, *value.shp), dtype=value.dt)
        return operator("cat")([first, zeros])

    def sample(self, value: Any, i: int) -> Any:
        """Coefficient ``i``; of constants, all but the first are zero."""
        if isinstance(value, TensorBase) and not self.has(value) and value.dt.category >= FLOATING:
            return value if i == 0 else functions.zeros(value.shp, dtype=value.dt)
        return super().sample(value, i)

    def primal(self, value: Any) -> Any:
        """The value without series, in nested lists and tuples too; other things as they are."""
        return super().sample(value, 0)

    def lifted(self, value: Any) -> Any:
        """A floating-point constant as a jet; other things as they are, lists and tuples item by item."""
        if isinstance(value, TensorBase):
            return value if self.has(value) or value.dt.category < FLOATING else self.wrap(self.full(value))
        if type(value) in (list, tuple):
            return type(value)(self.lifted(item) for item in value)
        return value

    def wrap(self, result: Any) -> Any:
        """Results of a rule, whose tensors have the coefficients first; indices and masks are constants."""
        if isinstance(result, Tensor):
            return JetTensor(result, self.level) if result.dt.category >= FLOATING else result.select(0, 0)
        return super().wrap(result)

    # -- arithmetic that depends on what the coefficients are --------------------------------------------------------------

    collapsed = False

    def bilinear(self, rule: Callable[..., Any], a: Any, b: Any) -> Any:
        """A bilinear operator: for each order one batch of products, which are added.

        Args:
            rule: ``rule(batch, a, b)`` multiplies row by row.
            a, b: jets of this level.
        """
        n = self.size
        reverse = b.value.flip(0)
        rows = []
        for k in range(n):
            left = JetTensor(a.value.narrow(0, 0, k + 1), a.level)
            right = JetTensor(reverse.narrow(0, n - 1 - k, k + 1), b.level)
            terms = rule(Factors(self.level, k + 1), left, right).value
            rows.append(terms.sum(0) if k else terms.select(0, 0))
        return self.wrap(_stack(rows))

    def smooth(self, rule: Callable[..., Any], x: Any) -> Any:
        """A function that works element by element: ``rule(batch, x)``."""
        return rule(self, x)


def _stack(rows: list[Any]) -> Any:
    from ._dispatch import operator

    return operator("stack")(rows)


class Uncollapsed(BaseException):
    """An operator has no rule for collapsed second derivatives; a program's own ``except Exception`` lets it pass."""


class Collapsed(Coefficients):
    """Note [Collapsed second derivatives]

    For a Laplacian only the sum of the second derivatives is wanted. The rows of the physical tensor are the value, the first
    derivatives along m directions, and half the sum of the second derivatives along them: ``m + 2`` rows instead of ``3 m``.
    Rows multiply as ``(a, a_i, a') (b, b_i, b') = (a b, a b_i + a_i b, a b' + a' b + sum a_i b_i)``.

    Source: R. Li et al., "A computational framework for neural network-based variational Monte Carlo with forward Laplacian"
        (2024).
    """

    collapsed = True

    def bilinear(self, rule: Callable[..., Any], a: Any, b: Any) -> Any:
        """The product of rows, see above."""
        from ._dispatch import operator

        m = self.size - 2
        part = Factors(self.level, m + 1)
        first = rule(Factors(self.level, 1), JetTensor(a.value.narrow(0, 0, 1), a.level), b.primal()).value
        left = rule(part, JetTensor(a.value.narrow(0, 1, m + 1), a.level), b.primal()).value
        right = rule(part, a.primal(), JetTensor(b.value.narrow(0, 1, m + 1), b.level)).value
        inner = [JetTensor(v.value.narrow(0, 1, m), v.level) for v in (a, b)]
        crossed = rule(Factors(self.level, m), *inner).value.sum(0, keepdim=True)
        rest = left + right
        return self.wrap(operator("cat")([first, rest.narrow(0, 0, m), rest.narrow(0, m, 1) + crossed]))

    def smooth(self, rule: Callable[..., Any], x: Any) -> Any:
        """The chain rule, with the first two derivatives from Taylor arithmetic of order 2 on the value alone."""
        from ._dispatch import operator

        value = x.primal()
        level = Level("jet", self.level.number)
        level.batch_size = 3
        line = _stack([value, operator("ones_like")(value), operator("zeros_like")(value)])
        return self.chained(x, *rule(Coefficients(level, 3), JetTensor(line, level)).value.unbind(0))

    def chained(self, x: Any, result: Any, slope: Any, bend: Any) -> Any:
        """The chain rule, given the value of a function and its first derivative and half of its second one."""
        from ._dispatch import operator

        m = self.size - 2
        rest = x.value.narrow(0, 1, m + 1) * slope
        change = x.value.narrow(0, 1, m)
        last = rest.select(0, m) + (change * change).sum(0) * bend
        return self.wrap(operator("cat")([result.unsqueeze(0), rest.narrow(0, 0, m), last.unsqueeze(0)]))


class Factors(Coefficients):
    """One application of a rule for products: a constant factor is the same for all coefficients."""

    def full(self, value: Any) -> Any:
        """All coefficients, or a constant for each of them."""
        return Batch.full(self, value)


BATCHES["jet"] = Coefficients
BATCHES["laplacian"] = Collapsed
