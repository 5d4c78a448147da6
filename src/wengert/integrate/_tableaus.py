"""Coefficients of explicit Runge-Kutta methods."""

from __future__ import annotations

from typing import Final, NamedTuple

Row = tuple[float, ...]


class Tableau(NamedTuple):
    """An explicit Runge-Kutta method: ``k_i = f(t + c_i h, y + h sum_j a_ij k_j)``, ``y_new = y + h sum_i b_i k_i``.

    Attributes:
        order: error of a step is ``O(h^(order + 1))``.
        error: weights of the difference to the embedded method, over the stages and the slope at the end; None without one.
        dense: row ``i`` holds the coefficients of ``x, x^2...`` in the weight of slope ``i`` at ``t + x h``; None without.
    """

    order: int
    c: Row
    a: tuple[Row, ...]
    b: Row
    error: Row | None = None
    dense: tuple[Row, ...] | None = None


EULER: Final = Tableau(1, (0.0,), ((),), (1.0,))
MIDPOINT: Final = Tableau(2, (0.0, 1 / 2), ((), (1 / 2,)), (0.0, 1.0))
RK4: Final = Tableau(
    4, (0.0, 1 / 2, 1 / 2, 1.0), ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)
)
# P. Bogacki and L. F. Shampine, "A 3(2) pair of Runge-Kutta formulas", Appl. Math. Lett. 2 (1989).
BOSH3: Final = Tableau(
    3,
    (0.0, 1 / 2, 3 / 4),
    ((), (1 / 2,), (0.0, 3 / 4)),
    (2 / 9, 1 / 3, 4 / 9),
    (5 / 72, -1 / 12, -1 / 9, 1 / 8),
    ((1.0, -4 / 3, 5 / 9), (0.0, 1.0, -2 / 3), (0.0, 4 / 3, -8 / 9), (0.0, -1.0, 1.0)),
)
# J. R. Dormand and P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comp. Appl. Math. 6 (1980); the
# interpolant: L. F. Shampine, "Some practical Runge-Kutta formulas", Math. Comp. 46 (1986).
DOPRI5: Final = Tableau(
    5,
    (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0),
    (
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    ),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    (-71 / 57600, 0.0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40),
    (
        (1.0, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432),
        (0.0, 0.0, 0.0, 0.0),
        (0.0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799),
        (0.0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072),
        (0.0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632),
        (0.0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844),
        (0.0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423),
    ),
)

FIXED: Final[dict[str, Tableau]] = {"euler": EULER, "midpoint": MIDPOINT, "rk4": RK4}
ADAPTIVE: Final[dict[str, Tableau]] = {"RK45": DOPRI5, "dopri5": DOPRI5, "RK23": BOSH3, "bosh3": BOSH3}
SCIPY: Final = ("DOP853", "Radau", "BDF", "LSODA")
