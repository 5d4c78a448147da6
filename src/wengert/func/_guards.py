"""What a function must not call while it is transformed, and how its tensors print meanwhile."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, Final

from .. import autograd
from .._tensor import Tensor
from ..autograd import functional
from ._batched import repr_of
from ._levels import STACK

BACKWARD: Final = (
    "backward() called inside a functorch transform. This is not supported, please use functorch.grad or functorch.vjp instead "
    "or call backward() outside of functorch transforms."
)
REQUIRES_GRAD: Final = (
    "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs) inside of a function "
    "being transformed by a functorch transform. This is unsupported, please attempt to use the functorch transforms "
    "(e.g. grad, vjp, jacrev, jacfwd, hessian) or call requires_grad_() outside of a function being transformed instead."
)


def _refusing(original: Callable[..., Any], message: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def entry(*args: Any, **kwargs: Any) -> Any:
        if STACK.levels:
            raise RuntimeError(message)
        return original(*args, **kwargs)

    return entry


_REPLACEMENTS: Final[list[tuple[Any, str, Any]]] = [
    (Tensor, "backward", _refusing(Tensor.backward, BACKWARD)),
    (Tensor, "requires_grad_", _refusing(Tensor.requires_grad_, REQUIRES_GRAD)),
    (Tensor, "__repr__", repr_of),
    (Tensor, "__str__", repr_of),
    (autograd, "backward", _refusing(autograd.backward, BACKWARD)),
    *(
        (functional, name, _refusing(getattr(functional, name), REQUIRES_GRAD))
        for name in ("vjp", "jvp", "jacobian", "hessian", "hvp", "vhp")
    ),
]
_LOCK: Final = threading.Lock()


def install() -> None:
    """Put the guards in place, at the first transform of the process: they look whether one is running."""
    with _LOCK:
        while _REPLACEMENTS:
            setattr(*_REPLACEMENTS.pop())
