"""Small programs about modules: each runs under torch and under the package, and returns what is to be the same."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

Program = Callable[[Any], Any]
PROGRAMS: dict[str, Program] = {}


def program(function: Program) -> Program:
    """Add to the programs, under its name as a sentence."""
    PROGRAMS[function.__name__] = function
    return function


def said(action: Callable[[], Any]) -> str:
    """The exception that an action raises: its class and its sentence, without the names of packages."""
    try:
        return f"no error, {action()!r}"
    except Exception as error:
        return f"{type(error).__name__}: {plain(str(error))}"


def plain(text: str) -> str:
    """The text with both packages' places of classes written the same."""
    for place in ("torch.nn.modules.linear.", "wengert.nn.linear.", "torch.nn.modules.module.", "wengert.nn.module."):
        text = text.replace(place, "")
    for place in ("torch.nn.modules.container.", "wengert.nn.container.", "torch.nn.modules.activation."):
        text = text.replace(place, "")
    text = text.replace("wengert.nn.activation.", "").replace("wengert._tensor.", "torch.")
    return text.split("\n  ")[0]  # hints of the package follow on indented lines


def warned(action: Callable[[], Any]) -> tuple[Any, list[str]]:
    """An action's result, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = action()
    return result, [f"{w.category.__name__}: {w.message}" for w in caught]


def net(torch: Any) -> Any:
    """A small network with everything: shared parts, None entries, buffers of both kinds."""
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
            self.again = self.body[0]
            self.gain = nn.Parameter(torch.ones(1))
            self.register_parameter("nothing", None)
            self.register_module("no_child", None)
            self.register_buffer("kept", torch.zeros(2))
            self.register_buffer("dropped", torch.ones(1), persistent=False)
            self.register_buffer("none", None)

        def forward(self, x: Any, scale: float = 1.0) -> Any:
            return self.body(x) * self.gain * scale

    torch.manual_seed(0)
    return Net()


@program
def names_of_members(torch: Any) -> Any:
    n = net(torch)
    return [
        [
            [k for k, _ in n.named_parameters(prefix, recurse, remove_duplicate=once)],
            [k for k, _ in n.named_buffers(prefix, recurse, remove_duplicate=once)],
            [k for k, _ in n.named_modules(prefix=prefix, remove_duplicate=once)],
        ]
        for prefix in ("", "pre")
        for recurse in (True, False)
        for once in (True, False)
    ] + [
        [k for k, _ in n.named_children()],
        len(list(n.parameters())),
        len(list(n.buffers())),
        len(list(n.modules())),
        len(list(n.children())),
        repr(n),
    ]


@program
def members_by_dotted_name(torch: Any) -> Any:
    n = net(torch)
    return [
        n.get_submodule("") is n,
        n.get_submodule("body.0") is n.body[0],
        n.get_parameter("body.0.weight") is n.body[0].weight,
        n.get_buffer("kept") is n.kept,
        *[said(lambda t=t: n.get_submodule(t)) for t in ("nope", "body.7", "gain", "body.0.weight")],
        *[said(lambda t=t: n.get_parameter(t)) for t in ("nope", "kept", "body.0.x", "body", "nothing")],
        *[said(lambda t=t: n.get_buffer(t)) for t in ("nope", "gain", "body.0.weight")],
        said(lambda: n.set_submodule("", torch.nn.ReLU())),
        said(lambda: n.set_submodule("body", 3)).split(",")[0],
        said(lambda: n.set_submodule("gain", torch.nn.ReLU())),
        said(lambda: n.set_submodule("new", torch.nn.ReLU(), strict=True)),
        n.set_submodule("body.1", torch.nn.ReLU()),
        n.set_submodule("new", torch.nn.ReLU()),
        repr(n),
    ]


@program
def refusals_of_registration(torch: Any) -> Any:
    n = net(torch)
    t, nn = torch.ones(2), torch.nn

    def assign(name: str, value: Any) -> Callable[[], Any]:
        return lambda: setattr(n, name, value)

    class Early(nn.Module):
        def __init__(self, make: Callable[[], Any]) -> None:
            self.value = make()

    class Empty(nn.Module):
        pass

    return [
        *[
            said(lambda a=a: n.register_buffer(*a))
            for a in ((3, t), ("a.b", t), ("", t), ("gain", t), ("x", 3), ("body", t))
        ],
        *[said(lambda a=a: n.register_parameter(*a)) for a in ((3, None), ("a.b", None), ("", None), ("kept", None))],
        said(lambda: n.register_parameter("x", t)),
        said(lambda: n.register_parameter("training", None)),
        *[
            said(lambda a=a: n.add_module(*a))
            for a in (("x", 3), (3, nn.ReLU()), ("a.b", None), ("", None), ("gain", None))
        ],
        *[
            said(assign(*a))
            for a in (("gain", t), ("gain", 3), ("body", t), ("body", "x"), ("kept", 3), ("gain", nn.ReLU))
        ],
        said(lambda: Early(lambda: nn.Parameter(t))),
        said(lambda: Early(nn.ReLU)),
        said(lambda: nn.Module(3)),
        said(lambda: nn.Module(a=3)),
        said(lambda: n.unknown),
        said(lambda: delattr(n, "unknown")),
        said(lambda: n.train("x")),
        said(lambda: Empty()(1)),
        said(lambda: n.to(torch.int32)),
    ]


@program
def assignment_changes_the_kind_of_a_name(torch: Any) -> Any:
    n, nn = net(torch), torch.nn
    n.kept = torch.full((3,), 2.0)
    n.dropped = None
    n.gain = None
    n.body = None
    n.plain = torch.ones(1)
    n.gain = nn.Parameter(torch.zeros(2))
    n.marked = nn.Buffer(torch.zeros(2))
    n.unmarked = nn.Buffer(torch.zeros(1), persistent=False)
    n.again = nn.Parameter(torch.ones(1))
    out = [
        sorted(n.state_dict()),
        list(n._buffers),
        list(n._parameters),
        list(n._modules),
        sorted(n._non_persistent_buffers_set),
    ]
    del n.kept, n.gain, n.body, n.plain, n.unmarked
    n.marked = nn.ReLU()
    return [*out, list(n._buffers), list(n._parameters), list(n._modules), sorted(n._non_persistent_buffers_set)]


@program
def dir_lists_members(torch: Any) -> Any:
    n = net(torch)
    names = dir(n)
    return [
        {"body", "gain", "kept", "nothing", "forward", "training"} <= set(names),
        "0" in dir(n.body),
        names == sorted(names),
    ]


@program
def modes_and_flags(torch: Any) -> Any:
    n = net(torch)
    out = [n.training, n.eval() is n, [m.training for m in n.modules()], [m.training for m in n.train().modules()]]
    out += [n.requires_grad_(False) is n, [p.requires_grad for p in n.parameters()]]
    n.requires_grad_()
    n(torch.ones(1, 2)).sum().backward()
    n.zero_grad(set_to_none=False)
    out.append([p.grad.abs().sum().item() for p in n.parameters()])
    n.zero_grad()
    out.append([p.grad for p in n.parameters()])
    seen: list[str] = []
    return [*out, n.apply(lambda m: seen.append(type(m).__name__)) is n, seen]


@program
def conversion(torch: Any) -> Any:
    n = net(torch)
    n.register_buffer("count", torch.tensor(3))
    n(torch.ones(1, 2)).sum().backward()
    param = n.gain

    def kinds() -> list[str]:
        grads = [p.grad for p in n.parameters()]
        return [str(t.dtype) for t in (*n.parameters(), *n.buffers(), *grads)]

    out = [n.double() is n, n.gain is param, kinds()]
    for change in (n.half, n.float, n.cpu):
        out += [change() is n, kinds()]
    for args in ((torch.float64,), ("cpu",), ("cpu", torch.float32), (torch.ones(1).double(),)):
        out += [n.to(*args) is n, kinds()]
    n.to(dtype=torch.float32)
    out += [kinds(), n.type(torch.float64) is n, kinds()]
    n.zero_grad()
    out.append([tuple(p.shape) for p in n.to_empty(device="cpu").parameters()])
    return [*out, warned(lambda: n.to(torch.complex64))[1], said(n.cuda)]


@program
def state_dict_and_back(torch: Any) -> Any:
    a, b = net(torch), net(torch)
    with torch.no_grad():
        for p in b.parameters():
            p.add_(1)
    state = a.state_dict()
    out = [list(state), type(state).__name__, dict(state._metadata), [v.requires_grad for v in state.values()]]
    out += [list(a.state_dict(prefix="p.", keep_vars=True)), a.state_dict(keep_vars=True)["gain"] is a.gain]
    out += [warned(lambda: list(a.state_dict(OrderedDict(), "q.", False)))]
    out += [repr(b.load_state_dict(state)), all(bool((x == y).all()) for x, y in zip(a.parameters(), b.parameters()))]
    param = b.gain
    b.load_state_dict({k: v.clone() for k, v in state.items()}, assign=True)
    return [
        *out,
        b.gain is param,
        b.gain.requires_grad,
        isinstance(b.gain, torch.nn.Parameter),
        isinstance(b.kept, torch.nn.Parameter),
    ]


@program
def what_does_not_fit_a_state_dict(torch: Any) -> Any:
    n = net(torch)
    good = n.state_dict()
    missing = {k: v for k, v in good.items() if "0" not in k}
    more = {**good, "x": torch.ones(1), "body.9.w": torch.ones(1), "body.0.z.y": torch.ones(1), "gain.x": torch.ones(1)}
    wrong = {**good, "gain": torch.ones(3, 2), "kept": 5}
    return [
        said(lambda: n.load_state_dict(missing)),
        said(lambda: n.load_state_dict(more)),
        said(lambda: n.load_state_dict({**wrong, **missing, "kept": 5, "gain": torch.ones(3, 2), "y": 3})),
        said(lambda: n.load_state_dict(wrong, strict=False)),
        said(lambda: n.load_state_dict([1])),
        repr(n.load_state_dict({**missing, "x": torch.ones(1)}, strict=False)),
    ]


@program
def numbers_saved_as_vectors_load(torch: Any) -> Any:
    m = torch.nn.Module()
    m.p = torch.nn.Parameter(torch.tensor(1.0))
    m.load_state_dict({"p": torch.tensor([5.0])})
    return m.p.item(), m.p.shape


@program
def hooks_of_the_state(torch: Any) -> Any:
    n, seen = net(torch), []

    def post(module: Any, state: Any, prefix: str, metadata: Any) -> None:
        state[prefix + "extra"] = 1

    def replace(module: Any, state: Any, prefix: str, metadata: Any) -> Any:
        return OrderedDict((k.upper(), v) for k, v in state.items())

    def rename(module: Any, state: Any, prefix: str, *rest: Any) -> None:
        seen.append((type(module).__name__, prefix, len(rest)))
        if "old" in state:
            state["gain"] = state.pop("old")

    handles = [
        n.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(("pre", prefix, keep))),
        n.register_state_dict_post_hook(post),
        n.body[0]._register_state_dict_hook(lambda m, s, p, d: seen.append(("private", p, d))),
    ]
    out = [list(n.state_dict())]
    replacing = n._register_state_dict_hook(replace)
    out += [list(n.state_dict()), said(lambda: n._register_state_dict_hook(post))]
    replacing.remove()
    for handle in handles:
        handle.remove()
    bad = n.register_state_dict_post_hook(lambda *a: 3)
    out.append(said(n.state_dict))
    bad.remove()
    n.register_load_state_dict_pre_hook(rename)
    state = n.state_dict()
    state["old"] = state.pop("gain")
    out.append(repr(n.load_state_dict(state)))
    n.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    out.append(repr(n.load_state_dict({})))
    n.register_load_state_dict_post_hook(lambda m, keys: 3)
    return [*out, said(lambda: n.load_state_dict(state)), seen]


@program
def extra_state(torch: Any) -> Any:
    class Counter(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.n = 3

        def get_extra_state(self) -> Any:
            return {"n": self.n}

        def set_extra_state(self, state: Any) -> None:
            self.n = state["n"]

    a, b = torch.nn.Sequential(Counter()), torch.nn.Sequential(Counter())
    a[0].n = 8
    b.load_state_dict(a.state_dict())
    return [
        dict(a.state_dict()),
        b[0].n,
        said(lambda: b.load_state_dict({})),
        said(lambda: torch.nn.Sequential(torch.nn.ReLU()).load_state_dict(a.state_dict())),
        said(lambda: torch.nn.ReLU().get_extra_state()),
        said(lambda: torch.nn.ReLU().set_extra_state(1)),
    ]


@program
def forward_hooks(torch: Any) -> Any:
    n, seen = net(torch), []
    x = torch.ones(1, 2)

    def pre(module: Any, args: Any) -> Any:
        seen.append(("pre", len(args)))
        return args[0] * 2

    def pre_kwargs(module: Any, args: Any, kwargs: Any) -> Any:
        seen.append(("pre kwargs", sorted(kwargs)))
        return args, {**kwargs, "scale": 3.0}

    def post(module: Any, args: Any, out: Any) -> Any:
        seen.append(("post", len(args), tuple(out.shape)))
        return out + 1

    def post_kwargs(module: Any, args: Any, kwargs: Any, out: Any) -> None:
        seen.append(("post kwargs", kwargs))

    plain_result = n(x).item()
    handles = [
        n.register_forward_pre_hook(pre),
        n.register_forward_pre_hook(pre_kwargs, with_kwargs=True, prepend=True),
        n.register_forward_hook(post),
        n.register_forward_hook(post_kwargs, with_kwargs=True, prepend=True),
        n.body.register_forward_hook(lambda m, a, o: seen.append("body")),
    ]
    out = [round(n(x, scale=2.0).item(), 4)]
    for handle in handles:
        handle.remove()
    out.append(n(x).item() == plain_result)
    with n.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True):
        out.append(said(lambda: n(x)))
    return [*out, seen, len(n._forward_hooks), len(n._forward_hooks_with_kwargs), len(n._forward_pre_hooks_with_kwargs)]


@program
def hooks_that_are_always_called(torch: Any) -> Any:
    class Fails(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    m, seen = Fails(), []

    def bad(*args: Any) -> None:
        raise KeyError("bad")

    m.register_forward_hook(lambda *a: seen.append("never"))
    m.register_forward_hook(lambda m, a, o: seen.append(("always", o)), always_call=True)
    m.register_forward_hook(bad, always_call=True)
    m.register_forward_hook(lambda m, a, k, o: seen.append(("kwargs", k)), always_call=True, with_kwargs=True)
    return [warned(lambda: said(lambda: m(1))), seen]


@program
def full_backward_hooks(torch: Any) -> Any:
    n, seen = net(torch), []

    def shapes(grads: Any) -> Any:
        return [None if g is None else [round(v, 4) for v in g.flatten().tolist()] for g in grads]

    def hook(module: Any, grad_in: Any, grad_out: Any) -> Any:
        seen.append((type(module).__name__, shapes(grad_in), shapes(grad_out)))
        return tuple(None if g is None else g * 2 for g in grad_in)

    def pre(module: Any, grad_out: Any) -> Any:
        seen.append(("pre", shapes(grad_out)))
        return (grad_out[0] * 10,)

    n.body[0].register_full_backward_hook(hook)
    n.body[2].register_full_backward_pre_hook(pre)
    n.body.register_full_backward_hook(hook, prepend=True)
    n.register_full_backward_pre_hook(lambda m, g: seen.append("outer"), prepend=True)
    x = torch.ones(1, 2, requires_grad=True)
    y = n(x, 2.0)
    name = y.grad_fn.name()
    y.sum().backward()
    _, warnings_of = warned(lambda: n(torch.ones(1, 2)).sum().backward())
    mixed = said(lambda: n.body.register_backward_hook(hook))
    return [name, shapes([x.grad]), shapes(p.grad for p in n.parameters()), seen, warnings_of, mixed]


@program
def backward_hooks_of_several_inputs(torch: Any) -> Any:
    class Two(torch.nn.Module):
        def forward(self, x: Any, flag: Any, y: Any) -> Any:
            return x * y, x + y, "text"

    m, seen = Two(), []
    m.register_full_backward_hook(lambda m, i, o: seen.append((len(i), [g is None for g in i], [g is None for g in o])))
    x, y = torch.ones(2, requires_grad=True), torch.ones(2)
    a, b, text = m(x, 3, y)
    (a + b).sum().backward()
    wrong = Two()
    wrong.register_full_backward_hook(lambda m, i, o: i[:1])
    other = Two()
    other.register_full_backward_pre_hook(lambda m, o: o[:1])
    third = torch.nn.ReLU()
    third.register_full_backward_hook(lambda m, i, o: (o[0],))

    class Dictionary(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return {"a": x}

    fourth = Dictionary()
    fourth.register_full_backward_hook(lambda m, i, o: None)
    return [
        seen,
        text,
        x.grad.tolist(),
        said(lambda: wrong(x, 3, y)[0].sum().backward()),
        said(lambda: other(x, 3, y)[0].sum().backward()),
        plain(str(warned(lambda: fourth(x)["a"].shape)[1])),
    ]


@program
def deprecated_backward_hooks(torch: Any) -> Any:
    seen: list[Any] = []

    def hook(module: Any, grad_in: Any, grad_out: Any) -> None:
        seen.append((type(module).__name__, len(grad_in), len(grad_out)))

    class Odd(torch.nn.Module):
        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind = kind

        def forward(self, x: Any) -> Any:
            return {"list": [x * 2], "tuple": (x * 2, x * 3), "chain": (x * 2).exp(), "one": x.exp()}[self.kind]

    out = []
    for kind in ("list", "tuple", "chain", "one"):
        m = Odd(kind)
        m.register_backward_hook(hook)
        x = torch.ones(2, requires_grad=True) * 1

        def run(m: Any = m, x: Any = x) -> None:
            y = m(x)
            (y if hasattr(y, "sum") else y[0]).sum().backward()

        out.append(warned(run)[1])
    return [out, seen, said(lambda: m.register_full_backward_hook(hook))]


@program
def global_hooks(torch: Any) -> Any:
    module, seen, handles = torch.nn.modules.module, [], []
    handles.append(module.register_module_parameter_registration_hook(lambda m, k, v: seen.append(("parameter", k))))
    handles.append(module.register_module_buffer_registration_hook(lambda m, k, v: seen.append(("buffer", k))))
    handles.append(module.register_module_module_registration_hook(lambda m, k, v: seen.append(("module", k))))
    n = net(torch)
    n.kept = torch.ones(2)
    for handle in handles:
        handle.remove()
    handles = [
        module.register_module_forward_pre_hook(lambda m, a: seen.append(("pre", type(m).__name__))),
        module.register_module_forward_hook(lambda m, a, o: seen.append(("post", type(m).__name__)), always_call=True),
        module.register_module_full_backward_pre_hook(lambda m, g: seen.append(("back pre", type(m).__name__))),
        module.register_module_full_backward_hook(lambda m, i, o: seen.append(("back", type(m).__name__))),
    ]
    n(torch.ones(1, 2, requires_grad=True)).sum().backward()
    mixed = said(lambda: module.register_module_backward_hook(print))
    for handle in handles:
        handle.remove()
    n(torch.ones(1, 2))
    return [seen, mixed]


@program
def copies(torch: Any) -> Any:
    n, calls = net(torch), []
    n(torch.ones(1, 2)).sum().backward()
    n.body[0].register_forward_hook(lambda m, a, o: calls.append("hook"))
    n.register_load_state_dict_pre_hook(lambda m, *a: calls.append(type(m).__name__))
    twin = copy.deepcopy(n)
    twin(torch.ones(1, 2))
    twin.load_state_dict(n.state_dict())
    with torch.no_grad():
        twin.gain.add_(1)
    thin = copy.copy(n)
    return [
        repr(twin) == repr(n),
        twin.again is twin.body[0],
        twin.gain is n.gain,
        n.gain.item(),
        thin.gain is n.gain,
        twin.gain.grad is not None,
        calls,
        twin.state_dict().keys() == n.state_dict().keys(),
    ]


@program
def pickles(torch: Any) -> Any:
    torch.manual_seed(1)
    m = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2), torch.nn.Dropout())
    m[0].bias.requires_grad_(False)
    again = pickle.loads(pickle.dumps(m.eval()))
    x = torch.ones(3, 2)
    return [
        repr(again),
        bool((again(x) == m(x)).all()),
        again[0].bias.requires_grad,
        again.training,
        list(again.state_dict()),
    ]


@program
def modules_that_are_made_again_keep_no_hooks_of_others(torch: Any) -> Any:
    n = torch.nn.ReLU()
    n.__dict__.pop("_forward_hooks")
    m = torch.nn.ReLU()
    m.__setstate__(n.__dict__)
    return [m(torch.ones(1)).item()]


@program
def text_of_nested_modules(torch: Any) -> Any:
    class Own(torch.nn.Module):
        def extra_repr(self) -> str:
            return "first\n\nsecond"

    nested = torch.nn.Sequential(OrderedDict(a=Own(), b=torch.nn.ModuleDict({"x": Own(), "y": torch.nn.ModuleList()})))
    nested.c = None
    return [repr(nested), repr(Own()), repr(torch.nn.Module())]
