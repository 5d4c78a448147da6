"""Small programs about nn.utils: each runs under torch and under the package, and returns what is to be the same.

Tensors in the results are compared as numbers, everything else exactly.
"""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

Program = Callable[[Any], Any]
PROGRAMS: dict[str, Program] = {}


def program(function: Program) -> Program:
    """Add to the programs, under its name as a sentence."""
    PROGRAMS[function.__name__] = function
    return function


def part(torch: Any, name: str) -> Any:
    """A module of nn.utils."""
    return import_module(f"{torch.__name__}.nn.utils.{name}")


def said(action: Callable[[], Any]) -> Any:
    """An action's result or its exception, with the warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = action()
        except Exception as error:
            text = str(error).replace("wengert.", "torch.").replace("nn.linear.", "nn.modules.linear.")
            result = f"{type(error).__name__}: {text.partition(chr(10) + '  ')[0]}"
    return result, [f"{w.category.__name__}: {w.message}" for w in caught]


def plain(value: Any) -> Any:
    """A result as arrays, texts, numbers and lists of these."""
    if hasattr(value, "detach"):
        return np.array(value.detach().numpy())
    if isinstance(value, dict):
        return [[key, plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return repr(value)


def assert_same(ours: Any, theirs: Any, place: str = "result") -> None:
    """Arrays are close and of one shape and dtype, the rest is equal."""
    if isinstance(theirs, list):
        assert isinstance(ours, list), place
        assert len(ours) == len(theirs), place
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(a, b, f"{place}[{i}]")
    elif isinstance(theirs, np.ndarray):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), place
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6, err_msg=place)
    else:
        assert ours == theirs, place


def linear(torch: Any, *sizes: int, **options: Any) -> Any:
    """A linear layer, the same under both packages."""
    torch.manual_seed(3)
    return torch.nn.Linear(*(sizes or (3, 4)), **options)


def leaves(torch: Any) -> list[Any]:
    """Three parameters, the last without gradient."""
    torch.manual_seed(0)
    out = [torch.nn.Parameter(torch.randn(*shape)) for shape in ((3, 2), (4,), (2,))]
    for p in out[:2]:
        p.grad = torch.randn(*p.shape)
    return out


def trained(torch: Any, layer: Any, steps: int = 3) -> list[Any]:
    """Losses of a few steps, and the state after them."""
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    x = torch.linspace(-1, 1, 2 * layer.weight.shape[1]).reshape(2, -1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((layer(x) - 1) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss)
    return [losses, layer.state_dict(), layer.eval()(x)]


# -- clipping --------------------------------------------------------------------------------------------------------------


@program
def norms_of_all_orders_are_clipped(torch: Any) -> Any:
    out = []
    for order in (2, 1, 0, 0.5, 3.5, float("inf"), -float("inf"), -1, "inf", "fro"):
        for foreach in (None, True):
            given = leaves(torch)
            out.append(said(lambda p=given, n=order, f=foreach: torch.nn.utils.clip_grad_norm_(p, 1.0, n, foreach=f)))
            out.append([p.grad for p in given])
    return out


@program
def gradients_below_the_bound_stay_and_bounds_may_be_tensors(torch: Any) -> Any:
    out = []
    for bound in (1000.0, -1.0, torch.tensor(0.5)):
        given = leaves(torch)
        out.append([torch.nn.utils.clip_grad_norm_(given, bound), given[1].grad])
    return out


@program
def norms_that_are_not_finite(torch: Any) -> Any:
    out = []
    for value in (float("nan"), float("inf")):
        for refuse in (False, True):
            given = leaves(torch)
            given[0].grad[0, 0] = value
            norm = said(lambda p=given, r=refuse: torch.nn.utils.clip_grad_norm_(p, 1.0, 3, error_if_nonfinite=r))
            out.append([norm, given[0].grad])
    return out


@program
def what_clipping_takes_as_parameters(torch: Any) -> Any:
    clip = torch.nn.utils.clip_grad_norm_
    some = leaves(torch)
    return [
        said(lambda: clip([], 1.0)),
        said(lambda: clip((p for p in []), 1.0)),
        said(lambda: clip([torch.nn.Parameter(torch.ones(2))], 1.0)),
        said(lambda: clip((p for p in some), 1.0)),
        said(lambda: clip(some[0], 1.0)),
        said(lambda: clip([1], 1.0)),
        said(lambda: clip(3, 1.0)),
        said(lambda: torch.nn.utils.clip_grad_norm(some, 1.0)),
    ]


@program
def gradients_of_several_dtypes_are_clipped_together(torch: Any) -> Any:
    out = []
    for dtype in (torch.float64, torch.complex64, torch.float16):
        given = leaves(torch)[:1] + [torch.nn.Parameter(torch.ones(2, dtype=dtype))]
        given[1].grad = torch.ones(2, dtype=dtype)
        out.append([torch.nn.utils.clip_grad_norm_(given, 0.1), [p.grad for p in given]])
    return out


@program
def clipping_in_two_steps_and_by_value(torch: Any) -> Any:
    utils = torch.nn.utils
    some = leaves(torch)
    total = utils.get_total_norm([p.grad for p in some[:2]])
    out: list[Any] = [total, utils.get_total_norm([]), utils.get_total_norm(torch.ones(3), 1.0)]
    out += [said(lambda: utils.get_total_norm([torch.tensor([1, 2])]))]
    out += [said(lambda: utils.clip_grads_with_norm_(some, 1.0, total)), some[1].grad]
    for value in (0.5, "0.4", -0.5, torch.tensor(0.3), None):
        given = leaves(torch)
        out += [said(lambda p=given, v=value: utils.clip_grad_value_(p, v)), given[0].grad, given[1].grad]
    return out


# -- vectors, fusing, layouts ----------------------------------------------------------------------------------------------


@program
def parameters_become_a_vector_and_back(torch: Any) -> Any:
    utils = torch.nn.utils
    some = leaves(torch)
    vector = utils.parameters_to_vector(some)
    (gradient,) = torch.autograd.grad((vector * vector).sum(), some[0])
    new = torch.arange(12.0)
    out = [vector, gradient, said(lambda: utils.vector_to_parameters(new, some))]
    new[0] = 99
    out += [some, [p.requires_grad and p.is_leaf for p in some], said(lambda: utils.parameters_to_vector([]))]
    return [*out, said(lambda: utils.vector_to_parameters([1.0], some))]


def normed(torch: Any, kind: str, features: int, **options: Any) -> Any:
    """A batch normalisation with statistics, for evaluation."""
    layer = getattr(torch.nn, kind)(features, **options).eval()
    torch.manual_seed(5)
    layer.running_mean.normal_()
    layer.running_var.uniform_(0.5, 2)
    return layer


@program
def layers_are_fused_with_the_normalisation_after_them(torch: Any) -> Any:
    nn, utils = torch.nn, torch.nn.utils
    torch.manual_seed(1)
    out = []
    for name, dims in (("Conv1d", 1), ("Conv2d", 2), ("Conv3d", 3), ("ConvTranspose2d", 2)):
        for bias in (True, False):
            layer = getattr(nn, name)(2, 3, 2, bias=bias).eval()
            norm = normed(torch, f"BatchNorm{dims}d", 3)
            fused = utils.fuse_conv_bn_eval(layer, norm, transpose=name.startswith("ConvT"))
            x = torch.randn(2, 2, *[4] * dims)
            out += [repr(fused), fused.state_dict(), fused(x), fused.weight.requires_grad, fused.bias.requires_grad]
            np.testing.assert_allclose(plain(fused(x)), plain(norm(layer(x))), rtol=1e-4, atol=1e-5)
    for features in (3, 1):
        dense = nn.Linear(4, 3).eval()
        out.append(utils.fuse_linear_bn_eval(dense, normed(torch, "BatchNorm1d", features)).state_dict())
    plain_norm = normed(torch, "BatchNorm2d", 3, affine=False)
    return [*out, utils.fuse_conv_bn_eval(nn.Conv2d(2, 3, 2).double().eval(), plain_norm.double()).state_dict()]


@program
def what_cannot_be_fused(torch: Any) -> Any:
    nn, utils = torch.nn, torch.nn.utils
    conv, dense = nn.Conv2d(2, 3, 2).eval(), nn.Linear(2, 4).eval()
    return [
        said(lambda: utils.fuse_conv_bn_eval(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3).eval())),
        said(lambda: utils.fuse_conv_bn_eval(conv, nn.BatchNorm2d(3))),
        said(lambda: utils.fuse_conv_bn_eval(conv, nn.BatchNorm2d(3, track_running_stats=False).eval())),
        said(lambda: utils.fuse_linear_bn_eval(dense, nn.BatchNorm1d(3).eval())),
        said(lambda: utils.fuse_linear_bn_eval(dense, nn.BatchNorm1d(4))),
    ]


@program
def weights_of_convolutions_change_their_layout(torch: Any) -> Any:
    nn, utils = torch.nn, torch.nn.utils
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ConvTranspose2d(2, 3, 3), nn.Conv1d(2, 3, 3), nn.Conv3d(2, 3, 3))
    weight = net[0].weight
    before = [layer.weight.detach().clone() for layer in net]
    utils.convert_conv2d_weight_memory_format(net, torch.channels_last)
    utils.convert_conv3d_weight_memory_format(net, torch.channels_last_3d)
    same = [bool((a == layer.weight).all()) for a, layer in zip(before, net, strict=True)]
    return [[tuple(layer.weight.stride()) for layer in net], same, weight is net[0].weight]


@program
def modules_without_initial_values(torch: Any) -> Any:
    skip = torch.nn.utils.skip_init
    torch.manual_seed(0)
    made = skip(torch.nn.Linear, 3, 4, bias=False)
    number = torch.rand(1)  # nothing was drawn before

    class NoDevice(torch.nn.Module):
        pass

    return [
        repr(made),
        tuple(made.weight.shape),
        number,
        said(lambda: skip(int))[0].partition(";")[0],
        said(lambda: skip(NoDevice)),
    ]


@program
def functional_call_at_its_older_place(torch: Any) -> Any:
    call = part(torch, "stateless").functional_call
    layer = linear(torch)
    return said(lambda: call(layer, {"weight": torch.ones(4, 3)}, (torch.ones(1, 3),)))


# -- hooks of old ----------------------------------------------------------------------------------------------------------


@program
def weight_norm_by_hook(torch: Any) -> Any:
    utils = torch.nn.utils
    out = []
    for dim in (0, 1, None):
        layer, first = said(lambda d=dim: utils.weight_norm(linear(torch), dim=d))
        out += [first, layer.state_dict(), [n for n, _ in layer.named_parameters()], trained(torch, layer)]
        out += [said(lambda m=layer: utils.weight_norm(m))]
        utils.remove_weight_norm(layer)
        out += [repr(layer), layer.state_dict(), said(lambda m=layer: utils.remove_weight_norm(m))]
    return [*out, said(lambda: utils.weight_norm(linear(torch), "nothing"))]


@program
def spectral_norm_by_hook(torch: Any) -> Any:
    utils = torch.nn.utils
    out = []
    for options in ({}, {"n_power_iterations": 3, "eps": 1e-6}, {"dim": 1}):
        layer = utils.spectral_norm(linear(torch), **options)
        out += [layer.state_dict(), layer.state_dict()._metadata, layer.weight, trained(torch, layer)]
        out += [said(lambda m=layer: utils.spectral_norm(m))]
        again = utils.spectral_norm(linear(torch), **options)
        out += [str(again.load_state_dict(layer.state_dict()))]
        utils.remove_spectral_norm(layer)
        out += [repr(layer), layer.state_dict(), said(lambda m=layer: utils.remove_spectral_norm(m))]
    transposed = utils.spectral_norm(torch.nn.ConvTranspose2d(3, 4, 2))
    out += [[[k, tuple(v.shape)] for k, v in transposed.state_dict().items()]]
    out += [said(lambda: utils.spectral_norm(linear(torch), n_power_iterations=0))]
    return [*out, said(lambda: utils.spectral_norm(linear(torch), "nothing"))]


# -- ready parametrizations ------------------------------------------------------------------------------------------------


@program
def weight_norm_as_parametrization(torch: Any) -> Any:
    ready = part(torch, "parametrizations")
    out = []
    for dim in (0, 1, None, -1):
        layer = ready.weight_norm(linear(torch), dim=dim)
        out += [repr(layer), layer.state_dict(), layer.weight, trained(torch, layer)]
        layer.train().weight = torch.arange(12.0).reshape(4, 3)
        out += [layer.state_dict(), layer.weight]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = torch.nn.utils.weight_norm(linear(torch, 3, 2))
    new = ready.weight_norm(linear(torch, 3, 2))
    out += [str(new.load_state_dict(old.state_dict())), said(lambda: ready.weight_norm(linear(torch), dim=5))]
    return [*out, said(lambda: ready.weight_norm(linear(torch), "nothing"))]


@program
def spectral_norm_as_parametrization(torch: Any) -> Any:
    ready = part(torch, "parametrizations")
    out = []
    for options in ({}, {"n_power_iterations": 3, "eps": 1e-6}, {"dim": 1}):
        layer = ready.spectral_norm(linear(torch), **options)
        out += [repr(layer), layer.state_dict(), layer.state_dict()._metadata, layer.weight, trained(torch, layer)]
        layer.weight = torch.ones(4, 3)
        out += [layer.state_dict()]
    bias = ready.spectral_norm(linear(torch), "bias")
    transposed = ready.spectral_norm(torch.nn.ConvTranspose2d(3, 4, 2))
    out += [bias.bias, bias.state_dict(), [[k, tuple(v.shape)] for k, v in transposed.state_dict().items()]]
    for arguments in ({"n_power_iterations": 0}, {"dim": 3}, {"name": "nothing"}):
        out += [said(lambda a=arguments: ready.spectral_norm(linear(torch), **a))]
    return out


@program
def orthogonal_by_all_maps(torch: Any) -> Any:
    ready = part(torch, "parametrizations")
    out: list[Any] = []
    for name in (None, "matrix_exp", "cayley", "householder"):
        for trivial in (True, False):
            for sizes in ((3, 3), (4, 2), (2, 4)):
                layer = ready.orthogonal(linear(torch, *sizes), orthogonal_map=name, use_trivialization=trivial)
                out += [layer.state_dict(), layer.weight, trained(torch, layer)]
                target = torch.linalg.qr((torch.arange(16.0) ** 2).sin().reshape(4, 4))[0][: sizes[1], : sizes[0]]
                if sizes != (3, 3):
                    out += [said(lambda m=layer, t=target: setattr(m, "weight", t)), layer.weight]
    return out


@program
def what_cannot_be_orthogonal(torch: Any) -> Any:
    ready = part(torch, "parametrizations")
    layer = ready.orthogonal(linear(torch))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        many = linear(torch).to(torch.complex64)
    return [
        said(lambda: ready.orthogonal(linear(torch), "bias")),
        said(lambda: ready.orthogonal(linear(torch), "nothing")),
        said(lambda: ready.orthogonal(linear(torch), orthogonal_map="other")),
        said(lambda: ready.orthogonal(many, orthogonal_map="householder")),
        said(lambda: setattr(layer, "weight", torch.ones(2, 2))),
        said(lambda: setattr(layer, "weight", torch.ones(3))),
    ]


@program
def batches_of_orthogonal_matrices(torch: Any) -> Any:
    ready = part(torch, "parametrizations")
    out = []
    for name in ("matrix_exp", "cayley", "householder"):
        owner = torch.nn.Module()
        torch.manual_seed(7)
        owner.w = torch.nn.Parameter(torch.randn(2, 4, 3))
        ready.orthogonal(owner, "w", name)
        out += [owner.w, owner.state_dict(), owner.w.mT @ owner.w]
    return out


@program
def parametrized_modules_are_copied_but_not_pickled(torch: Any) -> Any:
    ready = part(torch, "parametrizations")
    layer = ready.weight_norm(linear(torch))
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        twin.bias.zero_()
    return [repr(twin), twin.state_dict(), layer.state_dict(), twin.weight, said(lambda: pickle.dumps(layer))]
