"""Parameters, buffers, and those without a shape yet."""

from __future__ import annotations

import copy
import pickle
from typing import Any

from tests.nn.programs import said


def first_words(text: str) -> str:
    """An error's class and beginning: torch goes on with the address of a function."""
    return text.split(" in <")[0].split(" in detach")[0].split(" in add")[0].split(" in numel")[0]


def uninitialized(torch: Any) -> list[Any]:
    """A parameter's life from no shape to a shape."""
    lazy = torch.nn.parameter.is_lazy
    p = torch.nn.UninitializedParameter(dtype=torch.float64)
    p.note = 3
    out = [repr(p), str(p), p.requires_grad, str(p.dtype), p.is_leaf, isinstance(p, torch.nn.Parameter), lazy(p)]
    out += [repr(copy.deepcopy(p)), repr(pickle.loads(pickle.dumps(p))), said(lambda: p.shape), said(p.share_memory_)]
    out += [first_words(said(f)) for f in (p.detach, p.numel, lambda: p + 1)]
    p.materialize((2, 3))
    out += [type(p).__name__, tuple(p.shape), p.requires_grad, str(p.dtype), lazy(p)]
    b = torch.nn.UninitializedBuffer(persistent=False)
    out += [repr(b), isinstance(b, torch.nn.Buffer), b.persistent, b.requires_grad]
    m = torch.nn.Module()
    m.b, m.p = b, torch.nn.UninitializedParameter()
    out += [list(m._buffers), list(m._parameters), str(m.double().p.dtype), list(m._non_persistent_buffers_set)]
    b.materialize((2,), dtype=torch.float16)
    return [*out, type(b).__name__, tuple(b.shape), str(b.dtype)]


def test_parameters_without_a_shape_behave_as_in_torch(package: Any, oracle: Any) -> None:
    assert uninitialized(package) == uninitialized(oracle)


def kept(torch: Any) -> list[Any]:
    """What copies of parameters and buffers keep."""
    p = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    p.note, q = 3, copy.deepcopy(p)
    r = torch.nn.Parameter(torch.ones(2))
    r.grad = torch.ones(2)
    b = torch.nn.Buffer(torch.ones(2), persistent=False)
    return [
        *(type(q).__name__, q.requires_grad, hasattr(q, "note"), q is p, copy.deepcopy(r).grad),
        *(type(b).__name__, isinstance(b, torch.nn.Buffer), isinstance(torch.ones(1), torch.nn.Buffer), b.persistent),
        *(isinstance(copy.deepcopy(b), torch.nn.Buffer), repr(b), repr(torch.nn.Parameter())),
    ]


def test_copies_of_parameters_and_buffers_keep_what_torch_keeps(package: Any, oracle: Any) -> None:
    assert kept(package) == kept(oracle)
