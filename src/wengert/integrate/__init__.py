"""Differential equations whose solutions can be differentiated: by their initial state, the times and all parameters.

The names and arguments are those of ``scipy.integrate``.
"""

from __future__ import annotations

from ._solve import DenseOutput as DenseOutput
from ._solve import OdeResult as OdeResult
from ._solve import odeint as odeint
from ._solve import solve_ivp as solve_ivp
from ._system import IntegrationError as IntegrationError
