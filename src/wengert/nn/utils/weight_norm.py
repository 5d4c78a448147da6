"""Weight normalisation by a hook, the older form of ``parametrizations.weight_norm``."""

from __future__ import annotations

import warnings
from typing import Any

from ..._gen import functions
from ..._tensor import Tensor
from ..parameter import Parameter

OLD = "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`."


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """Norms over all other dimensions, kept with size 1; the norm of all elements, 0-d, for -1."""
    if dim == -1:
        return functions.norm(v)
    if not -v.dim() <= dim < v.dim():
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-v.dim()}, {v.dim() - 1}], but got {dim})"
        )
    others = [d for d in range(v.dim()) if d != dim % v.dim()]
    return functions.norm(v, dim=others, keepdim=True) if others else v.abs()


class WeightNorm:
    """The hook that computes the weight before each forward pass."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Any) -> Any:
        """g v / ||v||."""
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / norm_except_dim(v, self.dim))

    def __call__(self, module: Any, inputs: Any) -> None:
        """Before a forward pass: compute the weight."""
        setattr(module, self.name, self.compute_weight(module))

    def remove(self, module: Any) -> None:
        """Make the weight a parameter again."""
        weight = self.compute_weight(module)
        for name in (self.name, self.name + "_g", self.name + "_v"):
            delattr(module, name)
        module.register_parameter(self.name, Parameter(weight.data))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Deprecated: train norm and direction of a weight, as ``<name>_g`` and ``<name>_v``; computed before each call.

    Args:
        dim: there is one norm for each index along it; None: one for all.

    Raises:
        RuntimeError: if it is done already.
    """
    warnings.warn(OLD, FutureWarning, stacklevel=2)
    if any(isinstance(hook, WeightNorm) and hook.name == name for hook in module._forward_pre_hooks.values()):
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    norm = norm_except_dim(weight, hook.dim).data
    del module._parameters[name]
    module.register_parameter(name + "_g", Parameter(norm))
    module.register_parameter(name + "_v", Parameter(weight.data))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Undo ``weight_norm``: the weight is a parameter again, of its present value.

    Raises:
        ValueError: if there is nothing to undo.
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
