"""Pruning: setting entries of a parameter to 0, and keeping them there.

A pruned parameter ``weight`` is kept as the parameter ``weight_orig`` and the buffer ``weight_mask``; ``weight`` itself
is their product, computed again before each forward pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from ..._core.device import contiguous_format
from ..._gen import functions
from ..._tensor import Tensor

BAD_AMOUNT = "amount={} should either be a float in the range [0, 1] or a non-negative integer"
ONE_DIMENSION = (
    "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {} with {} dims"
)


class BasePruningMethod(ABC):
    """A way of pruning: subclasses define ``compute_mask`` and ``PRUNING_TYPE``; an object of it is the hook.

    ``PRUNING_TYPE`` says what a further method on the same tensor sees: ``"unstructured"`` the entries that are left,
    ``"structured"`` the channels that are left, ``"global"`` the whole tensor.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        """Before a forward pass: compute the parameter."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask of ``t``, of zeros and ones; entries that are 0 in ``default_mask`` stay 0."""

    def apply_mask(self, module: Any) -> Any:
        """Mask times parameter."""
        if not hasattr(self, "_tensor_name"):
            raise AssertionError(f"Module {module} has to be pruned")
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune a parameter of a module by this method, on top of those that were applied to it before.

        Args:
            module: nothing of it is changed if anything fails.
            name: name of the parameter.
            args: for the constructor of the method, as ``kwargs``.
            importance_scores: what to judge the entries by instead of the parameter, of its shape.

        Returns:
            The method, which is the hook that computes the parameter from now on.

        Raises:
            AssertionError: for scores of another shape.
        """
        key, earlier = _hook_of(module, name)
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        original = getattr(module, name if earlier is None else name + "_orig")
        if importance_scores is not None:
            _check_scores(importance_scores, getattr(module, name), module, name)
        elif earlier is not None:
            importance_scores = getattr(module, name)
        default = functions.ones_like(original) if earlier is None else getattr(module, name + "_mask")
        if earlier is not None:
            container = (
                PruningContainer(*earlier) if isinstance(earlier, PruningContainer) else PruningContainer(earlier)
            )
            container.add_pruning_method(method)
            method = container
        scores = original if importance_scores is None else importance_scores
        mask = method.compute_mask(scores.detach(), default.to(dtype=original.dtype))
        if earlier is None:
            del module._parameters[name]
            module.register_parameter(name + "_orig", original)
        else:
            del module._forward_pre_hooks[key]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """``t`` times its mask, for a tensor outside a module.

        Args:
            default_mask: entries that are 0 in it are pruned anyway.
            importance_scores: what to judge the entries by instead of ``t``.
        """
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}"
            )
        default = functions.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(importance_scores, default_mask=default)

    def remove(self, module: Any) -> None:
        """Make the pruned values the parameter's own; its hook is left to ``prune.remove``."""
        if not hasattr(self, "_tensor_name"):
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        name = self._tensor_name
        pruned = self.apply_mask(module)
        original = module._parameters[name + "_orig"]
        for member in (name, name + "_mask", name + "_orig"):
            delattr(module, member)
        original.data = pruned.data
        module.register_parameter(name, original)


class PruningContainer(BasePruningMethod):
    """Several methods on one tensor, each applied to what the earlier ones left."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for method in args:
            if not self._pruning_methods and isinstance(method, BasePruningMethod):
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add a method of the same tensor; None adds nothing.

        Raises:
            TypeError: for something else.
            ValueError: for a method of another tensor.
        """
        if method is None:
            return
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask of the last method on what ``default_mask`` leaves, together with ``default_mask``."""
        method = self._pruning_methods[-1]
        mask = default_mask.clone()
        kind = method.PRUNING_TYPE
        place: Any
        if kind == "global":
            place = ...
        elif kind == "unstructured":
            place = mask == 1
        elif kind == "structured":
            dim: int = method.dim % t.dim()  # type: ignore[attr-defined]
            left = mask.sum(dim=[d for d in range(t.dim()) if d != dim]) != 0
            place = (slice(None),) * dim + (left,)
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {kind}")
        mask[place] = method.compute_mask(t[place], default_mask=mask[place]).to(dtype=mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask from before."""
        return default_mask


class _Amount(BasePruningMethod):
    """A method that prunes a share (float) or a number (int) of entries or channels."""

    def __init__(self, amount: Any) -> None:
        if not isinstance(amount, int | float):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (isinstance(amount, float) and amount > 1.0):
            raise ValueError(BAD_AMOUNT.format(amount))
        self.amount = amount

    def _count(self, size: int) -> int:
        """How many of ``size`` to prune."""
        if isinstance(self.amount, float):
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(f"amount={self.amount} should be smaller than the number of parameters to prune={size}")
        return self.amount


class _Unstructured(_Amount):
    """A method that prunes single entries, those that it scores lowest (or highest)."""

    PRUNING_TYPE = "unstructured"
    LARGEST = False

    def _scores(self, t: Any) -> Any:
        """A number for each entry; asked for only when something is pruned."""
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask from before with some zeros more."""
        count = self._count(t.nelement())
        mask = default_mask.clone(memory_format=contiguous_format)
        if count:
            chosen = functions.topk(self._scores(t).reshape(-1), k=count, largest=self.LARGEST)
            mask.view(-1)[chosen.indices] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes entries at random."""

    LARGEST = True

    def _scores(self, t: Any) -> Any:
        return functions.rand_like(t)


class L1Unstructured(_Unstructured):
    """Prunes the entries of smallest absolute value."""

    def _scores(self, t: Any) -> Any:
        return t.abs()


class _Structured(_Amount):
    """A method that prunes whole channels along ``dim``."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask from before with the channels that are to go set to 0."""
        if t.dim() < 2:
            raise ValueError(ONE_DIMENSION.format(t.shape, t.dim()))
        if not -t.dim() <= self.dim < t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        count = self._count(size)
        if count == 0:
            return default_mask
        shape = [1] * t.dim()
        shape[self.dim] = size
        return default_mask * self._kept(t, count).to(default_mask.dtype).reshape(shape)

    def _kept(self, t: Any, count: int) -> Any:
        """1 or True for the channels that stay."""
        raise NotImplementedError


class RandomStructured(_Structured):
    """Prunes channels at random."""

    def _kept(self, t: Any, count: int) -> Any:
        chances = functions.rand(t.shape[self.dim])
        return chances > functions.kthvalue(chances, k=count).values


class LnStructured(_Structured):
    """Prunes the channels of smallest norm of order n."""

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _kept(self, t: Any, count: int) -> Any:
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        norms = functions.norm(t, p=self.n, dim=others)
        kept = functions.zeros_like(norms)
        kept[functions.topk(norms, k=len(norms) - count, largest=True).indices] = 1
        return kept


class CustomFromMask(BasePruningMethod):
    """Prunes what is 0 in a given mask."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask from before times the given one."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)


# -- public functions ------------------------------------------------------------------------------------------------------


def identity(module: Any, name: str) -> Any:
    """Give a parameter a mask of ones; returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: Any) -> Any:
    """Prune entries of a parameter at random.

    Args:
        amount: a float from 0 to 1 for a share of the entries that are left, an int for a number of them.

    Returns:
        The module.
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: Any, importance_scores: Any = None) -> Any:
    """Prune the entries of a parameter that have the smallest absolute values.

    Args:
        amount: a float from 0 to 1 for a share of the entries that are left, an int for a number of them.
        importance_scores: compare these instead.

    Returns:
        The module.

    Example:
        >>> from wengert import nn
        >>> layer = l1_unstructured(nn.Linear(4, 3), "weight", amount=0.25)
        >>> int((layer.weight == 0).sum())
        3
        >>> list(layer.state_dict())
        ['bias', 'weight_orig', 'weight_mask']
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: Any, dim: int) -> Any:
    """Prune channels of a parameter along ``dim`` at random; returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Any, name: str, amount: Any, n: Any, dim: int, importance_scores: Any = None) -> Any:
    """Prune the channels of a parameter along ``dim`` that have the smallest norm of order ``n``; returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune what is 0 in ``mask``; returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Any, str]], pruning_method: Any, importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prune entries of several parameters as if they were one vector.

    Args:
        parameters: pairs of a module and a name.
        pruning_method: class of an unstructured method, such as ``L1Unstructured``.
        importance_scores: dict from pairs to tensors by which to judge the entries; others are judged by themselves.
        kwargs: for the constructor of the method, such as ``amount``.

    Raises:
        TypeError: for something else than pairs, a structured method, scores that are no dict.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    if not isinstance(importance_scores, dict | None):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    given: dict[Any, Any] = importance_scores or {}
    tensors = [getattr(module, name) for module, name in pairs]
    scores = [given.get(pair, t) for pair, t in zip(pairs, tensors, strict=True)]
    masks = [getattr(m, f"{name}_mask", functions.ones_like(t)) for (m, name), t in zip(pairs, tensors, strict=True)]
    method: Any = PruningContainer()
    method._tensor_name = "temp"
    single = pruning_method(**kwargs)
    single._tensor_name = "temp"
    if single.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {single.PRUNING_TYPE}"
        )
    method.add_pruning_method(single)
    final = method.compute_mask(_flat(scores), _flat(masks))
    for (module, name), t, part in zip(pairs, tensors, final.split([t.numel() for t in tensors]), strict=True):
        custom_from_mask(module, name, mask=part.view_as(t))


def _flat(tensors: list[Any]) -> Any:
    return functions.cat([t.detach().reshape(-1) for t in tensors])


def remove(module: Any, name: str) -> Any:
    """Make the pruned values of a parameter its own, without mask; returns the module.

    Raises:
        ValueError: if it was not pruned.
    """
    key, hook = _hook_of(module, name)
    if hook is None:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    hook.remove(module)
    del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Any) -> bool:
    """Whether a parameter of the module or of one below it is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for _, part in module.named_modules()
        for hook in part._forward_pre_hooks.values()
    )


def _hook_of(module: Any, name: str) -> tuple[Any, Any]:
    """Key and hook of the method that prunes a parameter, None if there is none."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return None, None


def _check_scores(scores: Any, t: Any, module: Any, name: str) -> None:
    if scores.shape != t.shape:
        raise AssertionError(
            f"importance_scores should have the same shape as parameter {name} of {module}, got {scores.shape} vs {t.shape}"
        )
