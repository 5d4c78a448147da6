"""What is compared of a layer that was made from the same seed in both packages, as text and arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.nn.layers import Case

Facts = dict[str, Any]
STEPS = 6


def tensors(value: Any) -> Iterator[Any]:
    """The tensors in results: one, or nested tuples and packed sequences of them."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)
    elif value is not None:
        yield value


def arrays(values: Any) -> Iterator[tuple[str, Any]]:
    """Copies of the values of named tensors; the text of those that have none yet."""
    for name, value in values:
        lazy = repr(value).startswith("<Uninitialized")
        yield name, repr(value) if lazy else value.detach().numpy().copy()


class Run:
    """A layer of one package with its inputs."""

    def __init__(self, package: Any, case: Case, dtype: str, training: bool) -> None:
        self.package = package
        self.facts: Facts = {}
        self.kind = getattr(package, dtype)
        package.manual_seed(3)
        self.layer = case.make(package.nn).to(self.kind).train(training)
        self.leaves: list[Any] = []
        self.inputs = [self.made(given, np.random.default_rng(5 + i)) for i, given in enumerate(case.inputs)]
        self.facts["repr"] = repr(self.layer)
        self.keep("first", self.layer.state_dict().items())

    def made(self, given: Any, rng: np.random.Generator) -> Any:
        """An input: of a shape, or what a function makes."""
        if callable(given):
            value = given(self.package)
            if not isinstance(value, self.package.Tensor):
                return value.to(self.kind) if hasattr(value, "to") else value
            return self.leaf(value) if value.is_floating_point() else value
        if isinstance(given, list):
            return tuple(self.made(part, rng) for part in given)
        return self.leaf(self.package.from_numpy(rng.normal(size=given)).requires_grad_())

    def leaf(self, value: Any) -> Any:
        """The value in the dtype of the run, a leaf if it requires grad."""
        out = value.detach().to(self.kind)
        if value.requires_grad:
            self.leaves.append(out.requires_grad_())
        return out

    def keep(self, when: str, values: Any) -> None:
        """Remember named tensors."""
        for name, array in arrays(values):
            self.facts[f"{when} {name}"] = array

    def call(self) -> list[Any]:
        """The results of the layer."""
        # In place only below the leaf.
        inputs = [x.clone() if any(x is leaf for leaf in self.leaves) else x for x in self.inputs]
        return list(tensors(self.layer(*inputs)))

    def weights(self, result: Any) -> Any:
        """Factors between -1 and 1 for the elements of a result."""
        return self.package.arange(1, result.numel() + 1, dtype=result.dtype).cos().reshape(result.shape)

    def step(self, when: str) -> None:
        """One step: results, gradients, descent."""
        self.package.manual_seed(4)
        results = self.call()
        self.keep(when, ((f"result {i}", r) for i, r in enumerate(results)))
        trained = [*self.leaves, *self.layer.parameters()]
        for x in trained:
            x.grad = None
        losses = [(r * self.weights(r)).sum() for r in results if r.requires_grad]
        if losses:
            sum(losses[1:], losses[0]).backward()
        with self.package.no_grad():
            for i, x in enumerate(trained):
                self.facts[f"{when} gradient {i}"] = None if x.grad is None else x.grad.numpy().copy()
                if x.grad is not None:
                    x -= 0.01 * x.grad / (1 + x.grad.abs().max())


def compare(package: Any, case: Case, dtype: str, training: bool) -> Facts:
    """Text, parameters, results, gradients and buffers, over six steps of training."""
    run = Run(package, case, dtype, training)
    for i in range(STEPS if training else 1):
        run.step(f"step {i}")
    run.keep("last", run.layer.state_dict().items())
    return run.facts


def agree(ours: Facts, theirs: Facts, accuracy: float) -> None:
    """Demand equal facts: arrays to an accuracy, relative to the largest number in them."""
    assert ours.keys() == theirs.keys()
    for fact, value in theirs.items():
        if not isinstance(value, np.ndarray):
            assert ours[fact] == value, fact
            continue
        assert (ours[fact].dtype, ours[fact].shape) == (value.dtype, value.shape), fact
        if fact.startswith("first"):
            np.testing.assert_array_equal(ours[fact], value, err_msg=fact)
        finite = value[np.isfinite(value)]
        atol = accuracy * max(1.0, float(np.abs(finite).max(initial=0)))
        np.testing.assert_allclose(ours[fact], value, rtol=accuracy, atol=atol, err_msg=fact)
