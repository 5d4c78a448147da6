"""Spectral normalisation by a hook, the older form of ``parametrizations.spectral_norm``."""

from __future__ import annotations

from typing import Any

from ..._gen import functions
from ..._tensor import Tensor
from ...autograd.grad_mode import no_grad
from .. import functional as F
from ..conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..parameter import Parameter

VERSION = 1


class SpectralNorm:
    """The hook that computes the weight before each forward pass."""

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def reshape_weight_to_matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix, its rows along ``dim``."""
        if self.dim != 0:
            weight = weight.movedim(self.dim, 0)
        return weight.reshape(weight.size(0), -1)

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Any:
        """The weight divided by its largest singular value, whose vectors are brought closer before if asked to."""
        weight, u, v = (getattr(module, self.name + end) for end in ("_orig", "_u", "_v"))
        matrix = self.reshape_weight_to_matrix(weight)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(functions.mv(matrix.t(), u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(functions.mv(matrix, v), dim=0, eps=self.eps))
                # Copies, since the next call overwrites them, and a graph may still need these.
                u, v = u.clone(), v.clone()
        return weight / functions.dot(u, functions.mv(matrix, v))

    def __call__(self, module: Any, inputs: Any) -> None:
        """Before a forward pass: compute the weight."""
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    def remove(self, module: Any) -> None:
        """Make the weight a parameter again."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for end in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + end)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def add_version(self, module: Any, state_dict: Any, prefix: str, local_metadata: Any) -> None:
        """Hook of ``state_dict``: say which form the keys have."""
        versions = local_metadata.setdefault("spectral_norm", {})
        key = self.name + ".version"
        if key in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {key}")
        versions[key] = VERSION


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Divide a weight by its largest singular value before each call; see ``parametrizations.spectral_norm``.

    Args:
        module: gets the parameter ``<name>_orig`` and the buffers ``<name>_u`` and ``<name>_v``.
        n_power_iterations: how many before each call in training.
        eps: the vectors are divided by at least this.
        dim: rows of the matrix; 1 for transposed convolutions, else 0, when left out.

    Raises:
        RuntimeError: if it is done already.

    Source: Miyato et al. 2018.
    """
    if dim is None:
        dim = 1 if isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d) else 0
    if any(isinstance(hook, SpectralNorm) and hook.name == name for hook in module._forward_pre_hooks.values()):
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    with no_grad():
        rows, columns = hook.reshape_weight_to_matrix(weight).size()
        u = F.normalize(weight.new_empty(rows).normal_(0, 1), dim=0, eps=eps)
        v = F.normalize(weight.new_empty(columns).normal_(0, 1), dim=0, eps=eps)
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    # A plain attribute of the same values: the hook replaces it, but code may look at it before.
    setattr(module, name, weight.data)
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    module.register_forward_pre_hook(hook)
    module._register_state_dict_hook(hook.add_version)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Undo ``spectral_norm``: the weight is a parameter again, of its present value.

    Raises:
        ValueError: if there is nothing to undo.
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            break
    else:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    for key, after in module._state_dict_hooks.items():
        if getattr(after, "__func__", None) is SpectralNorm.add_version and after.__self__.name == name:
            del module._state_dict_hooks[key]
            break
    return module
