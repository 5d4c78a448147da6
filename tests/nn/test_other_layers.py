"""Lazy layers, modules that PyTorch divides among devices, losses with weights, and where names are found."""

from __future__ import annotations

import copy
import pickle
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.nn.programs import said, warned

LAZY = [
    *["L(3)", "L(3).weight", "L(3).state_dict()", "list(L(3).parameters())", "L(3).double().weight.dtype"],
    *["L(3).has_uninitialized_params()", "L(3).in_features", "nn.LazyConv2d(3, 2)", "nn.LazyConv2d(3, 2).in_channels"],
    *["nn.LazyBatchNorm1d()", "nn.LazyBatchNorm1d().running_mean", "nn.LazyBatchNorm1d().state_dict()"],
    *[
        "nn.LazyInstanceNorm2d(affine=True)",
        "nn.LazyConvTranspose1d(3, 2, bias=False)",
        "nn.LazyConv2d(5, 2, groups=2)",
    ],
    *["nn.LazyBatchNorm2d(affine=False, track_running_stats=False)", "copy.deepcopy(L(3))", "L(3).reset_parameters()"],
    *[
        "nn.Sequential(L(3), nn.ReLU(), L(2))",
        "L(3).load_state_dict(nn.Linear(2, 3).state_dict())",
        "L(3)(T.ones(2)).shape",
    ],
    *["called(nn.LazyConv2d(4, 2, groups=2), 2, 6, 5, 5)", "called(nn.LazyConv1d(4, 3, padding='same'), 6, 9)"],
    *[
        "called(nn.LazyConvTranspose2d(4, 3, 2, 1), 1, 6, 4, 4)",
        "called(nn.LazyBatchNorm3d(bias=False), 2, 5, 1, 1, 2)",
    ],
    *["called(nn.LazyInstanceNorm2d(), 2, 5, 3, 4)", "called(L(3), 4, 2)", "called(copy.deepcopy(L(3)), 4, 2)"],
    "called(pickle.loads(pickle.dumps(L(3))), 4, 2)",
]
REFUSED = [
    *["nn.LazyConv2d(3, 2)(T.ones(2, 3))", "nn.LazyConv2d(6, 2, groups=3)(T.ones(2, 4, 5, 5))", "L(3).weight.shape"],
    *["nn.LazyBatchNorm2d()(T.ones(2, 3))", "L(3)(T.ones(2, 2), 3)", "nn.SyncBatchNorm(3)(T.ones(3))"],
    *[
        "L(3).share_memory()",
        "nn.LinearCrossEntropyLoss(4, 3, label_smoothing=2.0)",
        "nn.CrossMapLRN2d(3)(T.ones(2, 3))",
    ],
    *["nn.LinearCrossEntropyLoss(4, 3, weight=T.ones(4))", "nn.LinearCrossEntropyOptions(acc_policy='x')"],
    *["nn.LinearCrossEntropyOptions(batch_chunk_size=0)", "nn.LinearCrossEntropyOptions(chunking_method='x')"],
    "nn.LinearCrossEntropyOptions(acc_dtype=T.int64)",
    "nn.LinearCrossEntropyLoss(4, 3, ignore_index=1)(T.ones(2, 4), T.ones(2, 3))",
]


def evaluate(torch: Any, text: str) -> Any:
    """Run an expression with the names of a package."""

    def called(layer: Any, *shape: int) -> Any:
        layer(torch.ones(shape))
        return [repr(layer), {k: tuple(v.shape) for k, v in layer.state_dict().items()}, len(layer._forward_pre_hooks)]

    names = {"called": called, "copy": copy, "pickle": pickle, "T": torch, "nn": torch.nn, "L": torch.nn.LazyLinear}
    return eval(text, names)


@pytest.mark.parametrize("text", LAZY)
def test_lazy_layers_behave_as_in_torch(text: str, package: Any, oracle: Any) -> None:
    ours, theirs = [said(lambda t=t: evaluate(t, text)) for t in (package, oracle)]
    assert theirs.startswith("no error")
    assert ours.replace("wengert", "torch") == theirs


@pytest.mark.parametrize("text", REFUSED)
def test_mistakes_are_refused_as_in_torch(text: str, package: Any, oracle: Any) -> None:
    ours, theirs = [said(lambda t=t: evaluate(t, text)) for t in (package, oracle)]
    assert not theirs.startswith("no error")
    assert ours.replace("wengert", "torch") == theirs


def test_a_lazy_module_of_ones_own_is_initialised_by_its_first_input(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        nn, mixin = torch.nn, import_module(f"{torch.__name__}.nn.modules.lazy").LazyModuleMixin

        class Scale(mixin, nn.Module):  # type: ignore[misc]
            def __init__(self, nn: Any = nn) -> None:
                super().__init__()
                self.w = nn.UninitializedParameter()

            def initialize_parameters(self, x: Any, nn: Any = nn) -> None:
                self.w.materialize(x.shape)
                nn.init.constant_(self.w, 2.0)

            def forward(self, x: Any) -> Any:
                return x * self.w

        class Forgetful(Scale):
            def initialize_parameters(self, x: Any) -> None:
                pass

        class Unfinished(mixin, nn.Module):  # type: ignore[misc]
            pass

        x = torch.ones(2)
        layer = Scale()
        facts = [layer(x).tolist(), layer(x).tolist(), type(layer).__name__]
        found.append([*facts, said(lambda: Forgetful()(x)), said(lambda: Unfinished()(x))])  # noqa: B023
    assert found[0] == found[1]


def test_a_lazy_parameter_given_to_an_optimiser_early_is_trained(package: Any) -> None:
    layer = package.nn.LazyLinear(2)
    optimiser = package.optim.SGD(layer.parameters(), lr=0.1)
    layer(package.ones(3, 4)).sum().backward()
    before = layer.weight.detach().clone()
    optimiser.step()
    np.testing.assert_allclose((before - layer.weight.detach()).numpy(), np.full((2, 4), 0.3), rtol=1e-5)


def test_a_lazy_layer_that_was_loaded_names_its_features_after_the_first_call(package: Any) -> None:
    layer = package.nn.LazyBatchNorm1d()
    layer.load_state_dict(package.nn.BatchNorm1d(4).state_dict())
    layer(package.ones(3, 4))
    assert repr(layer).startswith("BatchNorm1d(4,")


def test_older_names_warn_as_in_torch(package: Any, oracle: Any) -> None:
    found = [
        [warned(lambda t=t, n=n: repr(getattr(t.nn, n)())) for n in ("Container", "NLLLoss2d")]
        for t in (package, oracle)
    ]
    assert found[0] == found[1]
    with pytest.warns(FutureWarning):
        assert list(package.nn.Container(a=package.nn.ReLU())._modules) == ["a"]


def test_batch_norms_are_converted_with_their_tensors(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        net = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Sequential(torch.nn.BatchNorm2d(3, affine=False)))
        new = torch.nn.SyncBatchNorm.convert_sync_batchnorm(net.eval())
        kept = new[0].weight is net[0].weight
        found.append([repr(new), kept, new[0].training, torch.nn.DataParallel(new).state_dict().keys()])
    assert found[0][:3] == found[1][:3]
    assert list(found[0][3]) == list(found[1][3])


def test_cross_map_normalisation_is_that_over_neighbouring_channels(package: Any) -> None:
    x = package.randn(2, 5, 3, 3)
    ours = package.nn.CrossMapLRN2d(3, 0.1, 0.5, 2.0)(x)
    np.testing.assert_array_equal(ours.numpy(), package.nn.LocalResponseNorm(3, 0.1, 0.5, 2.0)(x).numpy())
    assert repr(package.nn.CrossMapLRN2d(3)) == "CrossMapLRN2d(3, alpha=0.0001, beta=0.75, k=1)"


def test_prefixes_of_states_are_taken_off_as_in_torch(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        state = torch.nn.DataParallel(torch.nn.Sequential(torch.nn.BatchNorm1d(2))).state_dict()
        utils = import_module(f"{torch.__name__}.nn.modules.utils")
        utils.consume_prefix_in_state_dict_if_present(state, "module.")
        found.append([list(state), dict(state._metadata), utils._pair(3), utils._triple((1, 2, 3))])
    assert found[0] == found[1]


def test_the_families_of_torch_have_its_public_names(package: Any, oracle: Any) -> None:
    for family in dir(oracle.nn.modules):
        theirs = getattr(oracle.nn.modules, family)
        if family.startswith("_") or type(theirs).__name__ != "module":
            continue
        ours = import_module(f"{package.__name__}.nn.modules.{family}")
        for name in getattr(theirs, "__all__", ()):
            assert getattr(ours, name, None) is not None, (family, name)
            assert name in dir(ours)


def test_a_family_refuses_other_names(package: Any) -> None:
    with pytest.raises(AttributeError, match=r"module 'wengert\.nn\.modules\.conv' has no attribute 'Linear0'"):
        package.nn.modules.conv.Linear0  # noqa: B018


def test_all_layers_and_functions_of_torch_are_here(package: Any, oracle: Any) -> None:
    absent = {"Callable", "Optional", "TYPE_CHECKING", "Tensor", "torch"}
    # Quantized, of several devices, or of half precision only.
    absent |= {"scaled_mm", "scaled_grouped_mm", "grouped_mm", "ScalingType", "SwizzleType", "quantized", "qat"}
    absent |= {"intrinsic", "quantizable", "assert_int_or_pair"}

    def public(module: Any) -> set[str]:
        return {
            n
            for n in dir(module)
            if not n.startswith("_") and getattr(getattr(module, n), "__module__", "") != "typing"
        }

    layers = {n for n in public(oracle.nn) if isinstance(getattr(oracle.nn, n), type)}
    assert layers - set(dir(package.nn)) == set()
    functions = {
        n
        for n in public(oracle.nn.functional)
        if getattr(getattr(oracle.nn.functional, n), "__module__", "") == "torch.nn.functional"
    }
    assert functions - set(dir(package.nn.functional)) - absent == set()


@pytest.mark.parametrize("name", ["LSTM", "Transformer", "BatchNorm2d", "LazyLinear"])
def test_states_pass_from_torch_to_here_and_back(name: str, package: Any, oracle: Any) -> None:
    args, shape = {
        "LSTM": ((3, 4, 2), (5, 2, 3)),
        "Transformer": ((8, 2, 1, 1, 12, 0.0), (3, 2, 8)),
        "BatchNorm2d": ((3,), (2, 3, 4, 4)),
        "LazyLinear": ((3,), (2, 4)),
    }[name]
    with pytest.warns(UserWarning) if name == "Transformer" else np.errstate():
        theirs = getattr(oracle.nn, name)(*args)
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    def run(torch: Any, layer: Any) -> Any:
        x = torch.from_numpy(values)
        out = layer(x, x) if name == "Transformer" else layer(x)
        return (out[0] if isinstance(out, tuple) else out).detach().numpy()

    expected = run(oracle, theirs)
    ours = getattr(package.nn, name)(*args)
    ours.load_state_dict({k: package.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()})
    np.testing.assert_allclose(run(package, ours.train()), expected, atol=1e-5)
    theirs.load_state_dict({k: oracle.from_numpy(v.numpy().copy()) for k, v in ours.state_dict().items()})
    np.testing.assert_allclose(run(oracle, theirs), run(package, ours), atol=1e-5)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradients_of_convolutions_by_themselves_are_those_of_torch(dims: int, package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        grad = import_module(f"{torch.__name__}.nn.grad")
        x = torch.arange(2.0 * 4 * 5**dims).reshape(2, 4, *[5] * dims).cos()
        w = torch.arange(6.0 * 2 * 2**dims).reshape(6, 2, *[2] * dims).sin().requires_grad_()
        options = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
        y = getattr(torch.nn.functional, f"conv{dims}d")(x, w, **options).detach().sin()
        to_input = getattr(grad, f"conv{dims}d_input")(x.shape, w, y, **options)
        to_weight = getattr(grad, f"conv{dims}d_weight")(x, w.shape, y, **options)
        again = torch.autograd.grad(to_input.sin().sum(), w)[0]
        found.append([t.detach().numpy() for t in (to_input, to_weight, again)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
