"""Every layer made from the same seed in both packages: text, parameters, state, result, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nn.layers import CASES, Case


def run(package: Any, case: Case, training: bool) -> dict[str, Any]:
    """What is to be compared, as text and arrays."""
    package.manual_seed(3)
    layer = case.make(package.nn).train(training)
    facts: dict[str, Any] = {"repr": repr(layer)}
    for name, value in layer.state_dict().items():
        facts[f"first {name}"] = value.numpy().copy()
    rng = np.random.default_rng(5)
    leaves, inputs = [], []
    for given in case.inputs:
        if callable(given):
            value = given(package)
        else:
            value = package.from_numpy(rng.normal(size=given).astype(np.float32)).requires_grad_()
        if value.requires_grad:
            leaves.append(value)
        inputs.append(value.clone() if value.requires_grad else value)  # in place only below the leaf
    package.manual_seed(4)
    out = layer(*inputs)
    parts = out if isinstance(out, tuple) else (out,)
    for i, part in enumerate(parts):
        facts[f"result {i}"] = part.detach().numpy().copy()
    if parts[0].requires_grad:
        (parts[0] * parts[0].detach().cos()).sum().backward()
    for i, leaf in enumerate(leaves):
        facts[f"gradient of input {i}"] = None if leaf.grad is None else leaf.grad.numpy()
    for name, param in layer.named_parameters():
        facts[f"gradient of {name}"] = None if param.grad is None else param.grad.numpy()
    for name, value in layer.state_dict().items():
        facts[f"last {name}"] = value.numpy().copy()
    return facts


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", CASES)
def test_a_layer_behaves_as_in_torch(name: str, training: bool, package: Any, oracle: Any) -> None:
    ours, theirs = run(package, CASES[name], training), run(oracle, CASES[name], training)
    assert ours.keys() == theirs.keys()
    for fact, value in theirs.items():
        if not isinstance(value, np.ndarray):
            assert ours[fact] == value, fact
            continue
        assert (ours[fact].dtype, ours[fact].shape) == (value.dtype, value.shape), fact
        if fact.startswith("first"):
            np.testing.assert_array_equal(ours[fact], value, err_msg=fact)
        np.testing.assert_allclose(ours[fact], value, rtol=2e-4, atol=2e-5, err_msg=fact)
