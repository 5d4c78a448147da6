"""Small programs about containers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tests.nn.programs import program, said


def kinds(container: Any) -> list[str]:
    """Names and classes of what a container holds."""
    return [f"{k}:{type(m).__name__}" for k, m in container._modules.items()]


@program
def sequential_is_a_list(torch: Any) -> Any:
    nn = torch.nn
    s = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.ELU())
    out: list[Any] = [len(s), kinds(s[1:3]), kinds(s[::-1]), type(s[-1]).__name__, type(s[:2]).__name__]
    out += [
        s.append(nn.SELU()) is s,
        kinds(s),
        s.insert(1, nn.GELU()) is s,
        kinds(s),
        s.insert(-1, nn.Mish()) is s,
        kinds(s),
    ]
    out += [
        kinds(s.extend(nn.Sequential(nn.CELU()))),
        type(s.pop(0)).__name__,
        kinds(s),
        type(s.pop(-1)).__name__,
        kinds(s),
    ]
    del s[0]
    s[-1] = nn.Softplus()
    out.append(kinds(s))
    del s[1:3]
    out.append(kinds(s))
    t = nn.Sequential(nn.ReLU(), nn.Tanh())
    out += [kinds(s + t), kinds(t * 2), kinds(2 * t), [type(m).__name__ for m in t]]
    t += s
    out.append(kinds(t))
    t *= 2
    named = nn.Sequential(OrderedDict(first=nn.ReLU(), second=nn.Tanh()))
    return [*out, kinds(t), kinds(named), kinds(named[1:]), named.first is named[0], said(lambda: named.third)]


@program
def refusals_of_sequential(torch: Any) -> Any:
    nn = torch.nn
    s = nn.Sequential(nn.ReLU())
    return [
        said(lambda: s[1]),
        said(lambda: s[-2]),
        said(lambda: s.pop(3)),
        said(lambda: s.insert(5, nn.ReLU())),
        said(lambda: s.insert(0, 3)),
        said(lambda: s.append(3)),
        said(lambda: s + 3),
        said(lambda: s * 0),
        said(lambda: s * 1.5),
        said(lambda: nn.Sequential(nn.ReLU(), 3)),
        said(lambda: nn.ModuleList([nn.ReLU()])[1]),
        said(lambda: nn.ModuleList().extend(3)),
        said(lambda: nn.ModuleList([3])),
        said(lambda: nn.ModuleList()(1)),
        said(lambda: nn.ModuleDict()["x"]),
        said(lambda: nn.ModuleDict().update(3)),
        said(lambda: nn.ModuleDict([3])),
        said(lambda: nn.ModuleDict([("a",)])),
        said(lambda: nn.ModuleDict({"a": 3})),
    ]


@program
def module_list_is_a_list(torch: Any) -> Any:
    nn = torch.nn
    m = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    m.insert(1, nn.ELU())
    out = [len(m), kinds(m), kinds(m.append(nn.SELU())), kinds(m[1:]), type(m[-1]).__name__, type(m[:1]).__name__]
    m[0] = nn.GELU()
    m[-1] = nn.Mish()
    del m[1]
    out += [kinds(m), type(m.pop(0)).__name__, kinds(m), kinds(m + [nn.CELU()])]
    m += [nn.ReLU(), nn.ReLU()]
    del m[:1]
    return [
        *out,
        kinds(m),
        repr(m),
        nn.ReLU in [type(x) for x in m],
        repr(nn.ModuleList([nn.Sequential(nn.ReLU())] * 3)),
    ]


@program
def module_dict_is_a_dictionary(torch: Any) -> Any:
    nn = torch.nn
    m = nn.ModuleDict({"b": nn.ReLU(), "a": nn.Tanh()})
    m["c"] = nn.ELU()
    m.update([("d", nn.SELU()), ("b", nn.GELU())])
    out: list[Any] = [kinds(m), list(m), list(m.keys()), "a" in m, len(m), type(m.pop("a")).__name__, repr(m)]
    del m["c"]
    out += [[k for k, _ in m.items()], [type(v).__name__ for v in m.values()]]
    m.clear()
    return [*out, len(m), repr(m)]


@program
def parameter_list_is_a_list(torch: Any) -> Any:
    nn = torch.nn
    m = nn.ParameterList([torch.ones(2), nn.Parameter(torch.ones(2, 3)), 5, "x"])
    out: list[Any] = [repr(m), len(m), [k for k, _ in m.named_parameters()], type(m[0]).__name__, m[2], m[-1]]
    m[2] = torch.zeros(1)
    m += [torch.zeros(3)]
    out += [m.append(7) is m, list(m.state_dict()), len(m[1:3]), repr(m[-2:])]
    return [
        *out,
        said(lambda: m[9]),
        said(lambda: m.extend(3)),
        said(m),
        said(lambda: m.extend(torch.ones(2))),
    ]


@program
def parameter_dict_is_a_dictionary(torch: Any) -> Any:
    nn = torch.nn
    m = nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.ones(2, 3)), "n": 5})
    out: list[Any] = [
        repr(m),
        len(m),
        [k for k, _ in m.named_parameters()],
        list(m),
        list(m.keys()),
        "a" in m,
        "z" in m,
    ]
    m.update([("c", torch.zeros(1))])
    out += [
        m.setdefault("c", 3).tolist(),
        m.setdefault("e", 3),
        m.get("zz", 8),
        m.get("n"),
        m.pop("n"),
        list(reversed(m)),
    ]
    out += [list(m.copy()), list(m | nn.ParameterDict({"q": torch.ones(1)})), list(m.fromkeys(["u", "v"], 3).items())]
    out += [m.popitem()[0], list(m), list(m.state_dict())]
    del m["b"]
    m |= nn.ParameterDict({"r": torch.ones(1)})
    out.append(list(m.state_dict()))
    m.clear()
    return [
        *out,
        len(m),
        repr(m),
        said(lambda: m[3]),
        said(lambda: m.update(3)),
        said(lambda: m.update([3])),
        said(lambda: m(1)),
    ]
