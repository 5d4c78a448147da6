"""Transforms: functions that take a function and give its gradient, its Jacobian, or its version for batches."""

from __future__ import annotations

from ._forward import jvp as jvp
from ._forward import linearize as linearize
from ._jacobians import hessian as hessian
from ._jacobians import jacfwd as jacfwd
from ._jacobians import jacrev as jacrev
from ._modules import functional_call as functional_call
from ._modules import functionalize as functionalize
from ._modules import stack_module_state as stack_module_state
from ._reverse import grad as grad
from ._reverse import grad_and_value as grad_and_value
from ._reverse import vjp as vjp
from ._vmap import vmap as vmap
