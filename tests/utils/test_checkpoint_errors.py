"""What a checkpoint refuses and warns of, in torch's words."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import re
import warnings
from typing import Any

import pytest

ALTERNATING = """
runs = []
def f(t):
    runs.append(0)
    return {0} if len(runs) % 2 else {1}
x = torch.ones(2, requires_grad=True)
"""
ONES = "x = torch.ones(2, requires_grad=True)\n"
SNIPPETS = {
    "fewer-saved": ALTERNATING.format("t.exp().sin()", "t.exp()")
    + "checkpoint(f, x, use_reentrant=False).sum().backward()",
    "more-saved": ALTERNATING.format("t.exp()", "t.exp().sin()")
    + "checkpoint(f, x, use_reentrant=False, early_stop=False).sum().backward()",
    "other-dtype": ALTERNATING.format("t.exp()", "t.double().exp()")
    + "checkpoint(f, x, use_reentrant=False).sum().backward()",
    "other-shape": ALTERNATING.format("t.exp()", "t[:1].exp()")
    + "checkpoint(f, x, use_reentrant=False).sum().backward()",
    "no-check": ONES + "checkpoint(torch.exp, x, use_reentrant=False, determinism_check='foo')",
    "input-changed": ONES
    + "a = x * 1\ny = checkpoint(lambda t: t.sin().exp(), a, use_reentrant=False)\na.mul_(2)\ny.sum().backward()",
    "no-flag": ONES + "checkpoint(torch.exp, x)",
    "no-flag-sequential": ONES + "checkpoint_sequential([torch.exp, torch.sin], 2, x)",
    "nothing-requires-grad": "checkpoint(torch.exp, torch.ones(2), use_reentrant=True)",
    "keywords": ONES + "checkpoint(lambda t, k: t, x, use_reentrant=True, k=3, l=4)",
    "keywords-sequential": ONES + "checkpoint_sequential([torch.exp], 1, x, use_reentrant=False, k=3)",
    "reentrant-debug": ONES + "checkpoint(torch.exp, x, use_reentrant=True, debug=True)",
    "reentrant-context": ONES + "checkpoint(torch.exp, x, use_reentrant=True, context_fn=lambda: (None, None))",
    "debug-context": ONES
    + "checkpoint(torch.exp, x, use_reentrant=False, debug=True, context_fn=lambda: (None, None))",
    "reentrant-grad": ONES + "torch.autograd.grad(checkpoint(torch.exp, x, use_reentrant=True).sum(), x)",
    "reentrant-inputs": ONES + "checkpoint(torch.exp, x, use_reentrant=True).sum().backward(inputs=[x])",
    "reentrant-detached": ONES + "checkpoint(lambda t: t.detach(), x, use_reentrant=True).sum().backward()",
    "reentrant-in-place": ONES + "checkpoint(lambda t: t.add_(1).exp(), x * 1, use_reentrant=True).sum().backward()",
    "suppressed": ONES
    + "checkpoint(lambda t: 1 // 0, x, use_reentrant=False, context_fn=lambda: "
    + "(contextlib.suppress(ZeroDivisionError), contextlib.nullcontext()))",
    "not-callable": ONES + "checkpoint(3, x, use_reentrant=False)",
    "too-many-segments": ONES + "checkpoint_sequential([torch.exp, torch.sin], 3, x, use_reentrant=False)",
    "no-segments": ONES + "checkpoint_sequential([torch.exp, torch.sin], 0, x, use_reentrant=False)",
    "not-a-tuple": "detach_variable([1])",
    "nested-groups": "with GraphExecGroup():\n    with GraphExecGroup():\n        pass",
    "overlap-in-group": ONES
    + "y = checkpoint(lambda t: t.sin().exp(), x, use_reentrant=False)\nwith GraphExecGroup():\n"
    + "    y.sum().backward(retain_graph=True)\n    y.sum().backward()",
}


def outcome(name: str, snippet: str) -> tuple[str, str]:
    """Class and text of the error, or of the warning."""
    t = importlib.import_module(name)
    namespace = {"torch": t, "contextlib": contextlib, **vars(importlib.import_module(name + ".utils.checkpoint"))}
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        try:
            exec(snippet, namespace)
        except Exception as error:
            return type(error).__name__, str(error)
    return log[0].category.__name__, str(log[0].message)


def first_part(text: str) -> str:
    """PyTorch's text up to advice on torch.compile; without names of modules, addresses and the hyphen outside of ASCII."""
    text = text.partition("\nIf this error occurs under torch.compile")[0].replace(chr(0x2011), "-")
    return re.sub(r"<\S*GraphExecGroup object at \w+>", "<group>", text).rstrip()


@pytest.mark.parametrize("name", SNIPPETS)
def test_class_and_text_begin_as_torchs(package: Any, oracle: Any, name: str) -> None:
    kind, text = outcome(package.__name__, SNIPPETS[name])
    their_kind, their_text = outcome("torch", SNIPPETS[name])
    assert kind == their_kind
    assert first_part(text).startswith(first_part(their_text))


def test_a_changed_input_is_named_with_both_lines(package: Any) -> None:
    checkpoint = package.utils.checkpoint.checkpoint
    x = package.ones(2, requires_grad=True)
    a = x * 1
    y = checkpoint(lambda t: t.sin().exp(), a, use_reentrant=False)
    a.mul_(2)
    with pytest.raises(
        RuntimeError, match=r"(?s)saved by: checkpoint at .*test_checkpoint_errors.*changed by: .*a\.mul_\(2\)"
    ):
        y.sum().backward()


@pytest.mark.parametrize("by_manager", [True, False])
def test_debug_shows_what_the_two_runs_saved(package: Any, by_manager: bool) -> None:
    u = package.utils.checkpoint
    runs: list[int] = []

    def function(t: Any) -> Any:
        runs.append(1)
        t = t.exp()
        if len(runs) == 1:
            t = t.sin()
        return t

    x = package.ones(2, requires_grad=True)
    with u.set_checkpoint_debug_enabled(True if by_manager else None):
        out = u.checkpoint(function, x, use_reentrant=False, debug=not by_manager)
    with pytest.raises(u.CheckpointError) as caught:
        out.sum().backward()
    text = str(caught.value)
    assert text.startswith("An error happened while unpacking tensors; dumping logs of latest computation")
    assert "  0: " in text
    assert "t = t.exp()" in text
    assert "! 1: original forward: " in text
    assert "t = t.sin()" in text
    assert "recomputation:    nothing" in text
    assert isinstance(caught.value.__cause__, u.CheckpointError)


def test_signatures_are_torchs(package: Any, oracle: Any) -> None:
    import torch.utils.checkpoint as theirs

    for name in ("checkpoint", "checkpoint_sequential", "create_selective_checkpoint_contexts"):
        ours = inspect.signature(getattr(package.utils.checkpoint, name)).parameters
        for parameter in inspect.signature(getattr(theirs, name)).parameters.values():
            assert ours[parameter.name].kind == parameter.kind
            if isinstance(parameter.default, bool | str | type(None)):
                assert ours[parameter.name].default == parameter.default


def test_public_names_are_torchs(package: Any, oracle: Any) -> None:
    import torch.utils.checkpoint as theirs

    assert sorted(package.utils.checkpoint.__all__) == sorted(theirs.__all__)
