"""Transforms: functions that take a function and give its gradient, its Jacobian, or its version for batches."""

from __future__ import annotations

from ._forward import jvp as jvp
from ._forward import linearize as linearize
from ._implicit import ConvergenceError as ConvergenceError
from ._implicit import argmin as argmin
from ._implicit import fixed_point as fixed_point
from ._implicit import root as root
from ._jacobians import hessian as hessian
from ._jacobians import jacfwd as jacfwd
from ._jacobians import jacrev as jacrev
from ._jet import derivative as derivative
from ._jet import derivatives as derivatives
from ._jet import directional_derivative as directional_derivative
from ._jet import jet as jet
from ._modules import functional_call as functional_call
from ._modules import functionalize as functionalize
from ._modules import stack_module_state as stack_module_state
from ._operators import curl as curl
from ._operators import divergence as divergence
from ._operators import gnvp as gnvp
from ._operators import hvp as hvp
from ._operators import laplacian as laplacian
from ._reverse import grad as grad
from ._reverse import grad_and_value as grad_and_value
from ._reverse import vjp as vjp
from ._sparse import sparse_hessian as sparse_hessian
from ._sparse import sparse_jacobian as sparse_jacobian
from ._vmap import vmap as vmap
