"""Programs about nn.utils.prune; see utils_programs."""

from __future__ import annotations

from typing import Any

from tests.nn.utils_programs import linear, part, program, said


def facts(layer: Any) -> list[Any]:
    """What pruning changes."""
    return [
        layer.state_dict(),
        layer.weight,
        [n for n, _ in layer.named_parameters()],
        [n for n, _ in layer.named_buffers()],
        [type(hook).__name__ for hook in layer._forward_pre_hooks.values()],
    ]


@program
def every_method_of_pruning(torch: Any) -> Any:
    prune = part(torch, "prune")
    scores = torch.arange(12.0).reshape(4, 3)
    mask = torch.tensor([[0, 1, 1]] * 4)
    calls: list[tuple[Any, ...]] = [
        (prune.identity,),
        (prune.random_unstructured, 0.5),
        (prune.random_unstructured, 3),
        (prune.random_unstructured, 0.0),
        (prune.l1_unstructured, 0.4),
        (prune.l1_unstructured, 1.0),
        (prune.l1_unstructured, 5, scores),
        (prune.random_structured, 0.5, 0),
        (prune.random_structured, 1, -1),
        (prune.random_structured, 3, 1),
        (prune.random_structured, 0, 1),
        (prune.ln_structured, 2, 2, 0),
        (prune.ln_structured, 0.5, float("inf"), 1),
        (prune.ln_structured, 0.5, 1, -2),
        (prune.ln_structured, 1, "fro", 0),
        (prune.ln_structured, 1, 2, 0, scores),
        (prune.custom_from_mask, mask),
    ]
    out = []
    for function, *arguments in calls:
        layer = linear(torch)
        out += [function.__name__, function(layer, "weight", *arguments) is layer, *facts(layer)]
    conv = torch.nn.Conv2d(2, 3, 2)
    return [*out, prune.ln_structured(conv, "weight", 1, 2, 1).weight_mask]


@program
def what_cannot_be_pruned(torch: Any) -> Any:
    prune = part(torch, "prune")
    calls: list[tuple[Any, ...]] = [
        (prune.l1_unstructured, "weight", 13),
        (prune.l1_unstructured, "weight", -1),
        (prune.l1_unstructured, "weight", 1.5),
        (prune.l1_unstructured, "weight", "x"),
        (prune.l1_unstructured, "nothing", 0.5),
        (prune.l1_unstructured, "weight", 0.4, torch.arange(11.0)),
        (prune.l1_unstructured, "weight", 0.4, 3),
        (prune.random_structured, "bias", 0.5, 0),
        (prune.random_structured, "weight", 0.5, 3),
        (prune.random_structured, "weight", 4, -1),
        (prune.custom_from_mask, "weight", torch.ones(3, 3)),
        (prune.remove, "weight"),
    ]
    return [said(lambda c=c: c[0](linear(torch), *c[1:])) for c in calls]


@program
def methods_one_after_the_other(torch: Any) -> Any:
    prune = part(torch, "prune")
    layer = linear(torch)
    out = []
    prune.l1_unstructured(layer, "weight", 2)
    for further in (
        lambda: prune.random_unstructured(layer, "weight", 3),
        lambda: prune.ln_structured(layer, "weight", 1, 2, 0),
        lambda: prune.random_structured(layer, "weight", 1, 1),
        lambda: prune.custom_from_mask(layer, "weight", torch.tensor([[1, 1, 0]] * 4)),
        lambda: prune.l1_unstructured(layer, "weight", 0.5),
    ):
        further()
        (hook,) = layer._forward_pre_hooks.values()
        out += [*facts(layer), len(hook), [type(m).__name__ for m in hook], hook[0]._tensor_name]
    return out


@program
def a_pruned_layer_learns_and_is_made_plain_again(torch: Any) -> Any:
    prune = part(torch, "prune")
    layer = prune.l1_unstructured(linear(torch), "weight", 5)
    original = layer.weight_orig
    out = [prune.is_pruned(layer), prune.is_pruned(torch.nn.Sequential(layer)), prune.is_pruned(linear(torch))]
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (layer(torch.ones(2, 3)) ** 2).sum().backward()
        optimizer.step()
        out += [original.grad, original, layer.weight]
    out += [prune.remove(layer, "weight") is layer, layer.weight is original, *facts(layer)]
    return [*out, said(lambda: prune.remove(layer, "weight"))]


@program
def several_tensors_are_pruned_as_one(torch: Any) -> Any:
    prune = part(torch, "prune")
    a, b = linear(torch), linear(torch, 2, 3)
    pairs = [(a, "weight"), (b, "weight"), (a, "bias")]
    out = []
    for method, options in ((prune.L1Unstructured, {"amount": 10}), (prune.RandomUnstructured, {"amount": 0.3})):
        prune.global_unstructured(pairs, pruning_method=method, **options)
        out += [*facts(a), *facts(b)]
    c = linear(torch)
    scores = {(c, "weight"): torch.arange(12.0).reshape(4, 3)}
    prune.global_unstructured([(c, "weight"), (c, "bias")], prune.L1Unstructured, scores, amount=3)
    out += facts(c)
    for method, options in (
        (prune.LnStructured, {"amount": 1, "n": 2}),
        (prune.L1Unstructured, {"amount": 100}),
        (prune.L1Unstructured, {"amount": 1, "importance_scores": 3}),
    ):
        text, _ = said(lambda m=method, o=options: prune.global_unstructured([(c, "weight")], m, **o))
        out += [text]
    return [*out, said(lambda: prune.global_unstructured([], prune.L1Unstructured, amount=1))]


@program
def methods_of_ones_own(torch: Any) -> Any:
    prune = part(torch, "prune")

    class EverySecond(prune.BasePruningMethod):  # type: ignore[misc, name-defined]
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t: Any, default_mask: Any) -> Any:
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    class Unknown(EverySecond):
        PRUNING_TYPE = "unknown"

    class NoMask(prune.BasePruningMethod):  # type: ignore[misc, name-defined]
        pass

    layer = linear(torch)
    out = [type(EverySecond.apply(layer, "weight")).__name__, *facts(layer)]
    EverySecond.apply(layer, "weight")
    out += [*facts(layer), said(lambda: Unknown.apply(layer, "weight")), said(NoMask)]
    empty = prune.PruningContainer()
    first, second = EverySecond(), EverySecond()
    first._tensor_name, second._tensor_name = "weight", "bias"
    full = prune.PruningContainer(first)
    other, _, _ = said(lambda: full.add_pruning_method(second))[0].partition(" object at ")
    return [*out, len(empty), said(lambda: empty.add_pruning_method(3)), len(full), other]


@program
def tensors_outside_modules(torch: Any) -> Any:
    method = part(torch, "prune").L1Unstructured(2)
    t = torch.tensor([3.0, -1, 2, 0.5])
    return [
        method.prune(t),
        method.prune(t, default_mask=torch.tensor([1.0, 0, 1, 1])),
        method.prune(t, importance_scores=torch.tensor([1.0, 2, 3, 4])),
        said(lambda: method.prune(t, importance_scores=torch.ones(2))),
    ]


@program
def a_pruned_state_is_loaded(torch: Any) -> Any:
    prune = part(torch, "prune")
    state = prune.l1_unstructured(linear(torch), "weight", 5).state_dict()
    layer = prune.identity(linear(torch), "weight")
    loaded = str(layer.load_state_dict(state))
    return [loaded, layer.weight, layer(torch.ones(1, 3)), layer.weight]
