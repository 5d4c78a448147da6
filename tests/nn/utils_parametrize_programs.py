"""Programs about nn.utils.parametrize; see utils_programs."""

from __future__ import annotations

from typing import Any

from tests.nn.utils_programs import linear, part, program, said


def kinds(torch: Any) -> dict[str, Any]:
    """Parametrizations, good and bad, by name."""
    nn = torch.nn

    def made(name: str, forward: Any, inverse: Any = None) -> Any:
        members = {"forward": forward} | ({} if inverse is None else {"right_inverse": inverse})
        return type(name, (nn.Module,), members)

    return {
        "Twice": made("Twice", lambda _, x: x * 2, lambda _, y: y / 2),
        "Exp": made("Exp", lambda _, x: x.exp(), lambda _, y: y.log()),
        "Square": made("Square", lambda _, x: x * x),
        "Two": made("Two", lambda _, a, b: a + b, lambda _, x: (x, torch.zeros_like(x))),
        "Half": made("Half", lambda _, x: x[:2]),
        "Double": made("Double", lambda _, x: x.double()),
        "List": made("List", lambda _, x: [x]),
        "HalfBack": made("HalfBack", lambda _, x: x, lambda _, y: y[:2]),
        "DoubleBack": made("DoubleBack", lambda _, x: x, lambda _, y: y.double()),
        "NumberBack": made("NumberBack", lambda _, x: x, lambda _, y: 3),
        "PartBack": made("PartBack", lambda _, a, b: a, lambda _, x: (x, 3)),
        "TwoHalf": made("TwoHalf", lambda _, a, b: a[:2], lambda _, x: (x, x)),
    }


@program
def a_parametrization_shows_in_class_names_and_text(torch: Any) -> Any:
    parametrize = part(torch, "parametrize")
    layer = linear(torch)
    weight = layer.weight
    result = parametrize.register_parametrization(layer, "weight", kinds(torch)["Twice"]())
    kind = type(layer)
    return [
        [result is layer, repr(layer), kind.__name__, kind.__module__.partition(".")[2], kind.__bases__[0].__name__],
        [repr(layer.parametrizations), [n for n, _ in layer.named_modules()], [n for n, _ in layer.named_parameters()]],
        [layer.state_dict(), layer.weight, layer.weight.requires_grad, layer.weight.grad_fn.name()],
        [
            layer.parametrizations.weight.original is weight,
            layer.weight is layer.weight,
            isinstance(layer, torch.nn.Linear),
        ],
        [parametrize.is_parametrized(layer), parametrize.is_parametrized(layer, "bias")],
        [parametrize.type_before_parametrizations(layer) is torch.nn.Linear, "weight" in dir(layer)],
    ]


@program
def parametrizations_one_after_the_other_and_away(torch: Any) -> Any:
    parametrize, some = part(torch, "parametrize"), kinds(torch)
    out = []
    for trained in (True, False):
        for leave in (True, False):
            layer = linear(torch)
            weight = layer.weight.requires_grad_(trained)
            for name in ("Twice", "Exp"):
                parametrize.register_parametrization(layer, "weight", some[name]())
            parametrize.register_parametrization(layer, "bias", some["Square"]())
            out += [repr(layer), layer.state_dict(), layer.weight]
            layer.weight = torch.arange(1.0, 13).reshape(4, 3)
            out += [layer.parametrizations.weight.original, layer.weight]
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=leave)
            out += [repr(layer), layer.state_dict(), layer.weight is weight, layer.weight.requires_grad]
            parametrize.remove_parametrizations(layer, "bias")
            out += [repr(layer), type(layer) is torch.nn.Linear, "parametrizations" in dir(layer)]
    return out


@program
def a_parametrization_from_two_tensors(torch: Any) -> Any:
    parametrize, some = part(torch, "parametrize"), kinds(torch)
    layer = linear(torch)
    parametrize.register_parametrization(layer, "weight", some["Two"]())
    held = layer.parametrizations.weight
    out = [held.is_tensor, held.ntensors, held.unsafe, len(held), layer.state_dict()]
    layer.weight.sum().backward()
    out += [held.original0.grad, held.original1.grad, said(lambda: held.original)]
    layer.weight = torch.ones(4, 3)
    out += [
        held.original0,
        held.original1,
        said(lambda: setattr(layer, "weight", torch.nn.Parameter(torch.ones(4, 3)))),
    ]
    out += [said(lambda: parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False))]
    parametrize.remove_parametrizations(layer, "weight")
    out += [repr(layer), layer.state_dict(), [n for n, _ in layer.named_parameters()]]
    frozen = linear(torch).requires_grad_(False)
    parametrize.register_parametrization(frozen, "weight", some["Two"]())
    out += [[p.requires_grad for p in frozen.parameters()]]
    parametrize.remove_parametrizations(frozen, "weight")
    return [*out, frozen.weight.requires_grad]


@program
def what_parametrizations_may_not_do(torch: Any) -> Any:
    parametrize, some = part(torch, "parametrize"), kinds(torch)
    out = []
    for name in list(some)[4:]:
        for first in (False, True):
            layer = linear(torch)
            if first:
                if name in ("PartBack", "TwoHalf"):
                    continue
                parametrize.register_parametrization(layer, "weight", torch.nn.Identity())
            result, _ = said(lambda m=layer, n=name: parametrize.register_parametrization(m, "weight", some[n]()))
            out += [name, first, result if isinstance(result, str) else repr(result)]
    return out


@program
def unsafe_parametrizations_may(torch: Any) -> Any:
    parametrize, some = part(torch, "parametrize"), kinds(torch)
    out = []
    for name in ("Half", "HalfBack", "TwoHalf"):
        layer = linear(torch)
        parametrize.register_parametrization(layer, "weight", some[name](), unsafe=True)
        out += [layer.state_dict(), layer.weight, layer.parametrizations.weight.unsafe]
        parametrize.remove_parametrizations(layer, "weight")
        out += [layer.weight]
    return out


@program
def what_is_assigned_must_fit(torch: Any) -> Any:
    parametrize, some = part(torch, "parametrize"), kinds(torch)
    two, one = linear(torch), linear(torch)
    parametrize.register_parametrization(two, "weight", some["Two"]())
    parametrize.register_parametrization(one, "weight", some["Twice"]())
    out = [
        said(
            lambda: setattr(
                parametrize.register_parametrization(linear(torch), "bias", some["Square"]()), "bias", two.bias
            )
        )
    ]
    value = torch.ones(4, 3)
    for inverse in (lambda x: (x,), lambda x: x, lambda x: (x, x.double())):
        two.parametrizations.weight[0].right_inverse = inverse
        out += [said(lambda: setattr(two, "weight", value))]
    for inverse in (lambda x: (x,), lambda x: x.double()):
        one.parametrizations.weight[0].right_inverse = inverse
        out += [said(lambda: setattr(one, "weight", value))]
    return out


@program
def buffers_are_parametrized_too(torch: Any) -> Any:
    parametrize, some = part(torch, "parametrize"), kinds(torch)
    layer = torch.nn.BatchNorm1d(3)
    parametrize.register_parametrization(layer, "running_mean", some["Twice"]())
    out = [repr(layer), layer.state_dict(), [n for n, _ in layer.named_buffers()], layer.running_mean]
    parametrize.remove_parametrizations(layer, "running_mean")
    return [*out, layer.state_dict(), [n for n, _ in layer.named_buffers()]]


@program
def names_that_cannot_be_parametrized(torch: Any) -> Any:
    parametrize, twice = part(torch, "parametrize"), kinds(torch)["Twice"]
    layer = linear(torch)
    no_bias = linear(torch, bias=False)
    return [
        said(lambda: parametrize.register_parametrization(layer, "nothing", twice())),
        said(lambda: parametrize.register_parametrization(layer, "training", twice())),
        said(lambda: parametrize.register_parametrization(layer, "weight", 3)),
        said(lambda: parametrize.register_parametrization(no_bias, "bias", twice())),
        said(lambda: parametrize.remove_parametrizations(layer, "weight")),
        said(lambda: parametrize.ParametrizationList([], layer.weight)),
        parametrize.is_parametrized(layer),
    ]


@program
def inside_cached_a_tensor_is_computed_once(torch: Any) -> Any:
    parametrize = part(torch, "parametrize")
    calls: list[int] = []

    class Counted(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            calls.append(1)
            return x * 2

    layer = parametrize.register_parametrization(linear(torch), "weight", Counted(), unsafe=True)
    with parametrize.cached():
        with parametrize.cached():
            first = layer.weight
        same = layer.weight is first
        (layer(torch.ones(1, 3)).sum() + layer.weight.sum()).backward()
    return [same, len(calls), layer.weight is first, len(calls), layer.parametrizations.weight.original.grad]


@program
def a_parametrization_follows_the_mode_of_its_module(torch: Any) -> Any:
    parametrize = part(torch, "parametrize")
    drop = torch.nn.Dropout()
    layer = parametrize.register_parametrization(linear(torch).eval(), "weight", drop)
    modes = [drop.training]
    layer.train()
    return [*modes, drop.training]


@program
def a_right_inverse_that_is_not_implemented_counts_as_none(torch: Any) -> Any:
    class NoWay(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return x * 3

        def right_inverse(self, y: Any) -> Any:
            raise NotImplementedError

    layer = part(torch, "parametrize").register_parametrization(linear(torch), "weight", NoWay())
    return [layer.state_dict(), layer.weight, said(lambda: setattr(layer, "weight", torch.ones(4, 3)))]


@program
def parametrizations_are_transferred(torch: Any) -> Any:
    parametrize, some = part(torch, "parametrize"), kinds(torch)
    source = parametrize.register_parametrization(linear(torch), "weight", some["Twice"]())
    out = []
    for target in (torch.nn.Linear(3, 4), torch.nn.Module()):
        parametrize.transfer_parametrizations_and_params(source, target)
        held = target.parametrizations.weight
        out += [repr(target), target.weight, held.original is source.parametrizations.weight.original]
    untouched = torch.nn.Linear(3, 4)
    parametrize.transfer_parametrizations_and_params(linear(torch), untouched)
    return [*out, repr(untouched)]


@program
def a_parametrized_module_is_a_function_of_its_originals(torch: Any) -> Any:
    layer = part(torch, "parametrizations").weight_norm(linear(torch))
    names = [f"parametrizations.weight.original{i}" for i in (0, 1)]
    others = [torch.full((4, 1), 2.0), torch.arange(1.0, 13).reshape(4, 3).requires_grad_()]
    result = torch.func.functional_call(layer, dict(zip(names, others, strict=True)), torch.ones(2, 3))
    (gradient,) = torch.autograd.grad((result * result).sum(), others[1])
    return [result, gradient, layer.state_dict()]
