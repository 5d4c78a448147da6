"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._gen import functions

Place = tuple[dict[str, Any], str]
"""The table of a module that holds a tensor, and its name there."""


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
    known: dict[str, Place] = {}
    _find_places(module, "", known)
    if strict:
        _check_names(module, given, known)
    replacements = {name: t for name, t in given.items() if name in known}
    if tie_weights:
        replacements = _tied(replacements, known)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    before: list[tuple[Place, Any]] = []
    try:
        for name, t in replacements.items():
            table, key = known[name]
            before.append(((table, key), table[key]))
            table[key] = t
        return module(*arguments, **(kwargs or {}))
    finally:
        for (table, key), t in reversed(before):
            table[key] = t


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


def _find_places(module: Any, prefix: str, found: dict[str, Place]) -> None:
    """Enter where the parameters and buffers of a module and those below it are held, under all their names."""
    for table in (module._buffers, module._parameters):
        for key, t in table.items():
            if t is not None:
                found[prefix + key] = table, key
    for key, child in module._modules.items():
        if child is not None:
            _find_places(child, f"{prefix}{key}.", found)


def _check_names(module: Any, given: dict[str, Any], known: dict[str, Place]) -> None:
    missing = sorted(name for name in known if name not in given)
    unknown = sorted(name for name in given if name not in known)
    parts = []
    if unknown:
        parts.append(f"Unexpected key(s): {', '.join(map(repr, unknown))}.")
    if missing:
        parts.append(f"Missing key(s): {', '.join(map(repr, missing))}.")
    if parts:
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(parts))


def _tied(replacements: dict[str, Any], known: dict[str, Place]) -> dict[str, Any]:
    """Replacements for all names of a tensor that has several."""
    names: dict[int, list[str]] = {}
    for name, (table, key) in known.items():
        names.setdefault(id(table[key]), []).append(name)
    found = dict(replacements)
    for same in names.values():
        given = [name for name in same if name in replacements] if len(same) > 1 else []
        for name in given[1:]:
            if replacements[name] is not replacements[given[0]]:
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted((given[0], name))}, which are tied. Consider using "
                    "tie_weights=False"
                )
        if given:
            found.update(dict.fromkeys(same, replacements[given[0]]))
    return found


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
