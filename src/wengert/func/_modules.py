"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._gen import functions


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module`` with other tensors in the place of its parameters and buffers.

    Args:
        module: stays as it is.
        parameter_and_buffer_dicts: dict from names to tensors, or a tuple of such dicts; other names keep their tensors.
        args: one argument, or a tuple of them.
        kwargs: keyword arguments.
        tie_weights: give a tensor that has several names in the module one replacement under all of them.
        strict: refuse missing and unknown names.

    Returns:
        What the module returns.

    Raises:
        ValueError: when a name appears twice.
        RuntimeError: under ``strict``, for missing or unknown names.
    """
    given = _merged(parameter_and_buffer_dicts)
    known = _tensors_of(module)
    if strict:
        _check_names(module, given, known)
    replacements = {name: t for name, t in given.items() if name in known}
    if tie_weights:
        replacements = _tied(replacements, known)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, replacements):
        return module(*arguments, **(kwargs or {}))


def _merged(dicts: Any) -> dict[str, Any]:
    """All given tensors by name."""
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, Sequence):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    if not all(isinstance(d, dict) for d in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    names = [name for d in dicts for name in d]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {name: t for d in dicts for name, t in d.items()}


def _tensors_of(module: Any) -> dict[str, Any]:
    """Parameters and buffers by name, under all their names."""
    found = dict(module.named_parameters(remove_duplicate=False))
    found.update(module.named_buffers(remove_duplicate=False))
    return found


def _check_names(module: Any, given: dict[str, Any], known: dict[str, Any]) -> None:
    missing = sorted(name for name in known if name not in given)
    unknown = sorted(name for name in given if name not in known)
    parts = []
    if unknown:
        parts.append(f"Unexpected key(s): {', '.join(map(repr, unknown))}.")
    if missing:
        parts.append(f"Missing key(s): {', '.join(map(repr, missing))}.")
    if parts:
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(parts))


def _tied(replacements: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Replacements for all names of a tensor that has several."""
    found = dict(replacements)
    for name, t in replacements.items():
        for other, same in known.items():
            if same is known[name] and other != name:
                if other in replacements and replacements[other] is not t:
                    raise ValueError(
                        f"functional_call got multiple values for keys {sorted((name, other))}, which are tied. Consider using "
                        "tie_weights=False"
                    )
                found[other] = t
    return found


@contextmanager
def _replaced(module: Any, replacements: dict[str, Any]) -> Iterator[None]:
    """The module with other tensors, as long as the block runs."""
    undo: list[Callable[[], None]] = []
    try:
        for name, t in replacements.items():
            path, _, last = name.rpartition(".")
            owner = module.get_submodule(path) if path else module
            table = owner._parameters if last in owner._parameters else owner._buffers
            undo.append(_assignment(table, last, table[last]))
            table[last] = t
        yield
    finally:
        for step in reversed(undo):
            step()


def _assignment(table: dict[str, Any], name: str, value: Any) -> Callable[[], None]:
    def assign() -> None:
        table[name] = value

    return assign


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers of several modules of one class, stacked by name: an ensemble for ``vmap``.

    Args:
        models: modules of the same class, all in training or all in evaluation mode.

    Returns:
        ``(parameters, buffers)``, each with one dimension more in front; leaves that require grad where the parameters do.

    Raises:
        RuntimeError: without modules, or when they differ in class or mode.
    """
    models = list(models)
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({bool(m.training) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return _stacked(parameters), _stacked(buffers)


def _stacked(tables: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for name in tables[0]:
        tensors = [table[name] for table in tables]
        wanted = {bool(t.requires_grad) for t in tensors}
        if len(wanted) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        stacked = functions.stack(tensors).detach()
        found[name] = stacked.requires_grad_() if wanted.pop() else stacked
    return found


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """``func`` itself: in PyTorch a preparation for compilers, which changes no value.

    Raises:
        RuntimeError: for an unknown ``remove``.
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n"
            "     remove='mutations': all inplace and out= operators will be removed from the program, and replaced with their "
            "out-of-place equivalents.\n     remove='mutations_and_views': In addition to the above, all aliasing operators "
            "{view} will be replaced with their non-aliasing counterparts, {view}_copy.\n"
        )
    return func
