"""SciPy's methods, among them those for stiff equations, with exact Jacobians; gradients by the adjoint method."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from .._record.common import make
from ..func._implicit_graph import Place, as_array, jacobian
from ._adjoint import Sweep, slope_recording
from ._explicit import Control
from ._system import IntegrationError, System, Times

IMPLICIT: Final = ("Radau", "BDF", "LSODA")
NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)


class ScipyRun:
    """One equation and one method of SciPy."""

    def __init__(self, system: System, method: str, control: Control) -> None:
        self.system = system
        self.method = method
        self.control = control
        self.like = system.start
        self.interpolant: Any = None

    def tensor(self, y: Any) -> Any:
        """SciPy's flat array as a state."""
        return make(np.array(y, dtype=self.like.dt.np).reshape(self.like.shp))

    def solve(self, fun: Any, t0: float, t1: float, y: Any, jac: Any, t_eval: Any = None) -> Any:
        """SciPy's result, with an interpolant.

        Raises:
            IntegrationError: when SciPy gives up.
        """
        from scipy.integrate import solve_ivp

        more: dict[str, Any] = {"jac": jac} if self.method in IMPLICIT else {}
        result = solve_ivp(
            fun,
            (t0, t1),
            y,
            method=self.method,
            t_eval=t_eval,
            dense_output=True,
            rtol=self.control.rtol,
            atol=self.control.atol,
            first_step=self.control.first_step,
            max_step=self.control.max_step,
            **more,
        )
        if not result.success:
            raise IntegrationError(
                f"{self.system.name}: {self.method} stopped at t = {result.t[-1] if len(result.t) else t0:.6g}: {result.message}"
            )
        return result

    def forward(self, times: Times, every_step: bool = False) -> tuple[list[Any], list[float]]:
        """States at the times asked for (or after every step), and these times."""

        def slope(t: float, y: Any) -> Any:
            return as_array(self.system(times.constant(t), self.tensor(y))).reshape(-1)

        def jac(t: float, y: Any) -> Any:
            recording = slope_recording(self.system, times.constant(t), self.tensor(y))
            return jacobian(recording, np.size(y))

        asked = times.values
        start = as_array(self.like).reshape(-1)
        result = self.solve(slope, asked[0], asked[-1], start, jac, None if every_step else asked)
        self.interpolant = result.sol
        return [self.tensor(y) for y in result.y.T], [float(t) for t in result.t]

    def sweep(self, times: Times) -> Sweep:
        """The multiplier backwards along the interpolant, see Note [Continuous adjoint]."""

        def sweep(y: Any, multiplier: Any, i: int, places: list[Place]) -> tuple[Any, list[Any]]:
            def recording(t: float) -> Any:
                return slope_recording(self.system, times.constant(t), self.tensor(self.interpolant(t)))

            def rate(t: float, m: Any) -> Any:
                own = recording(t).pull(self.tensor(m))
                return np.zeros(np.size(m)) if own is None else -as_array(own).reshape(-1)

            def jac(t: float, m: Any) -> Any:
                return -jacobian(recording(t), np.size(m)).T

            start = as_array(multiplier).reshape(-1)
            result = self.solve(rate, times.values[i], times.values[i - 1], start, jac)
            totals: list[Any] = [None] * len(places)
            for a, b in zip(result.t[:-1], result.t[1:], strict=True) if places else ():
                for node, weight in zip(NODES, WEIGHTS, strict=True):
                    t = a + (b - a) * (node + 1) / 2
                    seed = self.tensor(result.sol(t) * (weight * (a - b) / 2))
                    found = recording(t).pull_both(seed, places)[1]
                    totals = [q if p is None else p if q is None else p + q for p, q in zip(totals, found, strict=True)]
            return self.tensor(result.y[:, -1]), totals

        return sweep
