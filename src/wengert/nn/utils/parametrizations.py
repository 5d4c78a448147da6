"""Ready parametrizations: weights of a given norm, of spectral norm 1, orthogonal matrices."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from ..._core.limits import finfo
from ..._gen import functions, linalg
from ..._tensor import Tensor
from ...autograd.grad_mode import no_grad
from .. import functional as F
from ..conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..module import Module
from .parametrize import register_parametrization
from .weight_norm import norm_except_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

NO_INVERSE = (
    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
    "use_trivialization=False."
)
TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


# -- weight normalisation --------------------------------------------------------------------------------------------------


class _WeightNorm(Module):
    """g * v / ||v||, with one norm for each index along ``dim``, or one for all."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Norm and direction of a weight."""
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Split a weight into its norm g and its direction v, which are trained instead: weight = g v / ||v||.

    Args:
        module: gets ``parametrizations.<name>.original0``, which is g, and ``original1``, which is v.
        name: name of the parameter.
        dim: there is one norm for each index along it; None or -1: one for all.

    Returns:
        The module. State dicts of the older ``nn.utils.weight_norm`` can be loaded into it.

    Source: Salimans and Kingma 2016.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: Any, prefix: str, *_: Any) -> None:
        """Keys of the older function."""
        for old, new in (("_g", "original0"), ("_v", "original1")):
            if f"{prefix}{name}{old}" in state_dict:
                state_dict[f"{prefix}parametrizations.{name}.{new}"] = state_dict.pop(f"{prefix}{name}{old}")

    module._register_load_state_dict_pre_hook(rename)
    return module


# -- spectral normalisation ------------------------------------------------------------------------------------------------


class _SpectralNorm(Module):
    """weight / sigma, sigma the largest singular value by power iterations whose vectors are kept."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, {weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            with no_grad():
                matrix = self._matrix(weight)
                rows, columns = matrix.shape
                u, v = matrix.new_empty(rows).normal_(0, 1), matrix.new_empty(columns).normal_(0, 1)
                self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
                self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
                self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix, its rows along ``dim``."""
        if self.dim != 0:
            weight = weight.movedim(self.dim, 0)
        return weight.flatten(1)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        """Bring the two vectors closer to the first singular ones."""
        with no_grad():
            for _ in range(times):
                self._u.copy_(F.normalize(functions.mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(functions.mv(matrix.H, self._u), dim=0, eps=self.eps))

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        # Copies, since the next call overwrites them, and a graph may still need these.
        u, v = self._u.clone(), self._v.clone()
        return weight / functions.vdot(u, functions.mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself, so that it can be assigned; its norm may be another."""
        return value


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Divide a weight by its largest singular value.

    Args:
        module: gets ``parametrizations.<name>.original``, and vectors of the power iteration as buffers.
        name: name of the parameter; of more than two dimensions all but ``dim`` count as one.
        n_power_iterations: how many at each access in training.
        eps: the vectors are divided by at least this.
        dim: rows of the matrix; 1 for transposed convolutions, else 0, when left out.

    Returns:
        The module.

    Raises:
        ValueError: without such a parameter.

    Source: Miyato et al. 2018.
    """
    weight = _tensor_of(module, name)
    if dim is None:
        dim = 1 if isinstance(module, TRANSPOSED) else 0
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module


def _tensor_of(module: Any, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


# -- orthogonal matrices ---------------------------------------------------------------------------------------------------


class _OrthMaps(Enum):
    """Maps onto the orthogonal matrices."""

    matrix_exp = auto()
    cayley = auto()
    householder = auto()


def _orthogonal_factor(matrix: Tensor) -> Any:
    """Q of the QR decomposition whose R has a positive diagonal."""
    packed, tau = functions.geqrf(matrix.detach())
    q: Any = linalg.householder_product(packed, tau)
    return q * packed.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _is_orthogonal(q: Tensor) -> bool:
    """Whether q.mH @ q is the identity up to rounding."""
    rows, columns = q.size(-2), q.size(-1)
    identity = functions.eye(columns, dtype=q.dtype)
    tolerance = 10.0 * rows * finfo(q.dtype).eps
    return bool(functions.allclose(q.mH @ q, identity, atol=tolerance))


class _Orthogonal(Module):
    """A matrix, or several, with orthonormal columns, or rows if there are more columns than rows."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map is _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        wide = X.size(-2) < X.size(-1)
        tall = X.mT if wide else X
        if self.orthogonal_map is _OrthMaps.householder:
            q = self._by_reflections(tall)
        else:
            q = self._by_rotation(tall)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _by_reflections(self, x: Tensor) -> Any:
        """Product of the Householder reflections in the columns below the diagonal, with the signs of the diagonal."""
        vectors = x.tril(-1)
        tau = 2.0 / (1.0 + (vectors * vectors).sum(dim=-2))
        signs = x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        return linalg.householder_product(vectors, tau) * signs

    def _by_rotation(self, x: Tensor) -> Any:
        """exp(A) or its Cayley approximation (1 - A/2)^-1 (1 + A/2), A skew with the lower triangle of x."""
        rows, columns = x.size(-2), x.size(-1)
        lower = x.tril()
        if rows != columns:
            lower = functions.cat([lower, x.new_zeros(*x.shape[:-1], rows - columns)], dim=-1)
        skew = lower - lower.mH
        if self.orthogonal_map is _OrthMaps.matrix_exp:
            q = linalg.matrix_exp(skew)
        else:
            identity = functions.eye(rows, dtype=x.dtype)
            q = linalg.solve(identity - skew / 2, identity + skew / 2)
        return q if rows == columns else q[..., :columns]

    def right_inverse(self, Q: Tensor) -> Any:
        """What gives Q, made orthogonal before.

        Raises:
            ValueError: for another shape.
            NotImplementedError: for the two maps by rotation without trivialization.
        """
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}."
            )
        wide = Q.size(-2) < Q.size(-1)
        tall = Q.mT if wide else Q
        x = self._rebased(tall) if hasattr(self, "base") else self._reflections(tall)
        return x.mT if wide else x

    def _rebased(self, q: Tensor) -> Any:
        """Keep q, completed to a square matrix, as ``base``; returns what all maps map to the identity."""
        rows, columns = q.size(-2), q.size(-1)
        if rows == columns:
            self.base = q.clone() if _is_orthogonal(q) else _orthogonal_factor(q)
        else:
            others = functions.randn(*q.shape[:-1], rows - columns, dtype=q.dtype)
            self.base = _orthogonal_factor(functions.cat([q, others], dim=-1))
        x = functions.zeros_like(q)
        x.diagonal(dim1=-2, dim2=-1).fill_(-1)
        return x

    def _reflections(self, q: Tensor) -> Any:
        """The vectors of q's Householder reflections, and signs on the diagonal."""
        if self.orthogonal_map is not _OrthMaps.householder:
            raise NotImplementedError(NO_INVERSE)
        packed, tau = functions.geqrf(q.detach())
        signs = packed.diagonal(dim1=-2, dim2=-1).sign()
        # LAPACK leaves a column as it is (tau = 0) where `_by_reflections` negates it (vector 0, tau = 2).
        signs = functions.where(tau == 0, -signs, signs)
        packed.diagonal(dim1=-2, dim2=-1).copy_(signs)
        return packed


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Make a weight, and keep it, orthogonal: W^H W = 1, or W W^H = 1 if it has more columns than rows.

    Args:
        module: gets ``parametrizations.<name>.original``; its weight becomes the orthogonal factor of what it was.
        name: name of a parameter of two dimensions or more; the last two are the matrix.
        orthogonal_map: ``"matrix_exp"``, ``"cayley"`` or ``"householder"``; when left out the first for square or complex
            matrices, the last for others.
        use_trivialization: keep a matrix near the present one as ``base``, so that any orthogonal value can be assigned.

    Returns:
        The module.

    Raises:
        ValueError: without such a parameter, for fewer than two dimensions, an unknown map, householder with complex numbers.

    Example:
        >>> from wengert import nn
        >>> layer = orthogonal(nn.Linear(2, 2))
        >>> (layer.weight @ layer.weight.T).round(decimals=3).abs()
        tensor([[1., 0.],
                [0., 1.]], grad_fn=<AbsBackward0>)

    Source: Lezcano-Casado 2019.
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    chosen = _OrthMaps.__members__.get(orthogonal_map)
    if chosen is None:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, chosen, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
