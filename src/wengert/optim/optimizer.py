"""``Optimizer``: parameter groups, state and hooks, common to all update rules."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from itertools import chain
from typing import Any, Final, TypeAlias

from .. import profiler
from .._core.dtypes import float32
from .._core.hooks import RemovableHandle
from .._core.modes import MODES
from .._tensor import Tensor
from ..autograd.grad_mode import enable_grad

Params: TypeAlias = Iterable[Any]
Hooks: TypeAlias = "OrderedDict[int, Callable[..., Any]]"

_GLOBAL_PRE_HOOKS: Final[Hooks] = OrderedDict()
_GLOBAL_POST_HOOKS: Final[Hooks] = OrderedDict()
_HOOK_TABLES: Final = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


class _Required:
    """Default of an option that every parameter group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required: Final = _Required()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before every step of every optimizer; returns the handle that removes it."""
    return RemovableHandle(_GLOBAL_PRE_HOOKS, hook)


def register_optimizer_step_post_hook(hook: Callable[..., None]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after every step of every optimizer; returns the handle that removes it."""
    return RemovableHandle(_GLOBAL_POST_HOOKS, hook)


class Optimizer:
    """Base of the optimizers; subclasses define ``step``.

    Args:
        params: tensors, ``(name, tensor)`` pairs, or dicts with the key ``"params"`` and the options of that group.
        defaults: options of the groups that do not give them.

    Attributes:
        param_groups: the groups, with all their options.
        state: what the rule remembers for each parameter.

    Raises:
        TypeError: for a single tensor, sets, and parameters that are not tensors.
        ValueError: for no parameters, results of computations, parameters given twice, missing options.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._add_missing_hook_tables()
        self._patch_step_function()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + _typename(params)
            )
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if len(groups) == 0:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("defaults", "state", "param_groups")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.defaults.setdefault("differentiable", False)
        self._add_missing_hook_tables()
        self._patch_step_function()

    def __repr__(self) -> str:
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            lines += ["", f"Parameter Group {i}"] if i > 0 else [f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    def _add_missing_hook_tables(self) -> None:
        for name in _HOOK_TABLES:
            self.__dict__.setdefault(name, OrderedDict())

    def _patch_step_function(self) -> None:
        """Let the class's ``step`` run the hooks, whoever defined it."""
        cls: Any = type(self)
        if not getattr(cls.step, "hooked", False):
            cls.step = self.profile_hook_step(cls.step)

    @staticmethod
    def profile_hook_step(func: Callable[..., Any]) -> Callable[..., Any]:
        """``func``, a ``step``, with hooks around it and a name in profiles."""

        @functools.wraps(func)
        def hooked_step(*args: Any, **kwargs: Any) -> Any:
            self: Optimizer = args[0]
            if MODES.watcher is None:
                return self._with_hooks(func, args, kwargs)
            with profiler.record_function(f"Optimizer.step#{type(self).__name__}.step"):
                return self._with_hooks(func, args, kwargs)

        hooked_step.hooked = True  # type: ignore[attr-defined]
        return hooked_step

    def _with_hooks(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of ``func``, a ``step``, between the hooks."""
        for hook in _in_order(_GLOBAL_PRE_HOOKS, self._table("step_pre")):
            result = hook(self, args, kwargs)
            if result is None:
                continue
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(f"{func} must return None or a tuple of (new_args, new_kwargs), but got {result}.")
            args, kwargs = result
        out = func(*args, **kwargs)
        for hook in _in_order(self._table("step_post"), _GLOBAL_POST_HOOKS):
            hook(self, args, kwargs)
        return out

    def _table(self, kind: str) -> Hooks:
        table: Hooks = self.__dict__[f"_optimizer_{kind}_hooks"]
        return table

    def _register(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        table = self._table(kind)
        handle = RemovableHandle(table, hook)
        if prepend:
            table.move_to_end(handle.id, last=False)
        return handle

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before ``step``; a pair that it returns replaces the arguments."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after ``step``."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., None], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict``."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after ``state_dict``; a dict that it returns replaces the result."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; a dict that it returns is loaded instead."""
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after loading."""
        return self._register("load_state_dict_post", hook, prepend)

    def state_dict(self) -> dict[str, Any]:
        """The state and the options of the groups, with parameters as numbers in the order of the groups.

        Tensors are shared with the optimizer, not copied.
        """
        for hook in _in_order(self._table("state_dict_pre")):
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        start = 0
        for group in self.param_groups:
            for i, p in enumerate(group["params"], start):
                numbers.setdefault(id(p), i)
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
            start += len(group["params"])
        state = {numbers[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        out: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in _in_order(self._table("state_dict_post")):
            result = hook(self, out)
            if result is not None:
                out = result
        return out

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a ``state_dict``: its options replace the groups', its numbers stand for the parameters here.

        Raises:
            ValueError: if number or sizes of the groups differ.
        """
        state_dict = state_dict.copy()
        for hook in _in_order(self._table("load_state_dict_pre")):
            result = hook(self, state_dict)
            if result is not None:
                state_dict = result
        saved_groups = deepcopy(state_dict["param_groups"])
        groups = self.param_groups
        _check_sizes(groups, saved_groups)
        params: dict[Any, tuple[Tensor, dict[str, Any]]] = {}
        for group, saved in zip(groups, saved_groups):
            params.update((number, (p, saved)) for number, p in zip(saved["params"], group["params"]))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for number, value in state_dict["state"].items():
            if number in params:
                p, saved = params[number]
                state[p] = _fitted(value, p, saved)
            else:
                state[number] = value
        for group, saved in zip(groups, saved_groups):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in _in_order(self._table("load_state_dict_post")):
            hook(self)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters.

        Args:
            set_to_none: False fills the gradients with zeros in place and cuts them from their graph.
        """
        with profiler.record_function(f"Optimizer.zero_grad#{type(self).__name__}.zero_grad"):
            for p in chain.from_iterable(group["params"] for group in self.param_groups):
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    _clear(p.grad)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters by one step.

        Args:
            closure: computes the loss and its gradients anew; optional for most rules.

        Returns:
            The closure's result, or None.
        """
        raise NotImplementedError

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize more parameters: ``{"params": ..., option: value, ...}``.

        Raises:
            TypeError: unless it is a dict with an ordered collection of tensors.
            ValueError: for results of computations, parameters that are there already, missing options, and names
                in some groups only.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        entries = [given] if isinstance(given, Tensor) else list(given)
        names = [entry[0] for entry in entries if isinstance(entry, tuple)]
        params = [entry[1] if isinstance(entry, tuple) else entry for entry in entries]
        param_group["params"] = params
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
        for p in params:
            self._check_param(p)
        for name in [name for name in self.defaults if name not in param_group]:
            if self.defaults[name] is required:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group[name] = self.defaults[name]
        self._check_against_other_groups(param_group)
        self.param_groups.append(param_group)

    def _check_param(self, p: Any) -> None:
        if not isinstance(p, Tensor):
            raise TypeError("optimizer can only optimize Tensors, but one of the params is " + _typename(p))
        if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor")

    def _check_against_other_groups(self, param_group: dict[str, Any]) -> None:
        ids = {id(p) for p in param_group["params"]}
        if len(ids) != len(param_group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        named = "param_names" in param_group
        for group in self.param_groups:
            if named != ("param_names" in group):
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{'with names' if named else 'without names'} to the optimizer"
                )
        if any(id(p) in ids for group in self.param_groups for p in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")


def evaluate(closure: Callable[[], Any] | None) -> Any:
    """The closure's result, computed with recording on; None without a closure."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def _check_sizes(groups: list[dict[str, Any]], saved_groups: list[dict[str, Any]]) -> None:
    """Loaded groups must have the sizes of those that they replace."""
    sizes, saved_sizes = ([len(group["params"]) for group in side] for side in (groups, saved_groups))
    if len(sizes) != len(saved_sizes):
        raise ValueError("loaded state dict has a different number of parameter groups")
    if sizes != saved_sizes:
        raise ValueError(
            "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
        )


def _clear(grad: Tensor) -> None:
    """Fill a gradient with zeros that have no history."""
    if grad.grad_fn is None:
        grad.requires_grad_(False)
    else:
        grad.detach_()
    grad.zero_()


def _in_order(*tables: Hooks) -> Iterator[Callable[..., Any]]:
    """The hooks of the tables; the copy lets a hook remove itself."""
    return chain.from_iterable([list(table.values()) for table in tables if table])


def _fitted(value: Any, p: Tensor, group: dict[str, Any], key: Any = None) -> Any:
    """A loaded value with its tensors in the dtype of the parameter; the step counter keeps its own."""
    if isinstance(value, Tensor):
        if key == "step":
            return value.to(dtype=float32) if group.get("capturable") or group.get("fused") else value
        return value.to(dtype=p.dtype) if p.is_floating_point() else value
    if isinstance(value, dict):
        return {name: _fitted(inner, p, group, name) for name, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        make: Any = type(value)
        return make(_fitted(inner, p, group) for inner in value)
    return value


def _typename(value: Any) -> str:
    """Name in error texts: the tensor type, or the full name of a class."""
    if isinstance(value, Tensor):
        return str(value.type())
    cls = value if hasattr(value, "__qualname__") else type(value)
    module = getattr(cls, "__module__", "") or ""
    return str(cls.__qualname__) if module in ("", "builtins") else f"{module}.{cls.__qualname__}"
