"""SciPy's optimisers for functions of tensors: gradients, Hessians and Jacobians are exact and need not be written.

The names, arguments and results are those of ``scipy.optimize``. What is found is a constant; ``func.argmin`` and
``func.root`` give solutions that can be differentiated.
"""

from __future__ import annotations

from ._least_squares import least_squares as least_squares
from ._minimize import minimize as minimize
from ._root import root as root
