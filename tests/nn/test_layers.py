"""Every layer made from the same seed in both packages: text, parameters, state, results, gradients, training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nn.compare import Run, agree, compare
from tests.nn.layers import CASES
from tests.nn.layers_recurrent import ATTENTION, OTHERS, RECURRENT

pytestmark = [
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True"),  # PyTorch's, of something that is not here
    pytest.mark.filterwarnings(
        "ignore:LSTM with projections is not supported with oneDNN"
    ),  # PyTorch's, of its kernels
]
# PyTorch's gradient has 1/6 in single precision.
ROUNDED = {"Hardsigmoid": 1e-7}
ALL = {**CASES, **RECURRENT, **ATTENTION, **OTHERS}


@pytest.mark.parametrize("mode", ["training", "evaluation", "training, float64"])
@pytest.mark.parametrize("name", ALL)
def test_a_layer_behaves_as_in_torch(name: str, mode: str, package: Any, oracle: Any) -> None:
    dtype, accuracy = ("float64", ROUNDED.get(name, 1e-10)) if "float64" in mode else ("float32", 1e-5)
    training = mode.startswith("training")
    ours, theirs = [compare(torch, ALL[name], dtype, training) for torch in (package, oracle)]
    agree(ours, theirs, accuracy)


@pytest.mark.parametrize("name", ALL)
def test_a_state_passes_from_torch_to_here_and_back(name: str, package: Any, oracle: Any) -> None:
    theirs, ours = [Run(torch, ALL[name], "float32", True) for torch in (oracle, package)]
    theirs.step("step")
    state = {k: package.from_numpy(v.numpy().copy()) for k, v in theirs.layer.state_dict().items()}
    assert repr(ours.layer.load_state_dict(state)) == "<All keys matched successfully>"
    found = []
    for run in (ours, theirs):
        run.layer.eval()
        run.package.manual_seed(7)  # for pooling at random places
        with run.package.no_grad():
            for leaf, values in zip(run.leaves, theirs.leaves, strict=True):
                leaf.copy_(run.package.from_numpy(values.detach().numpy().copy()))
            found.append([r.detach().numpy() for r in run.call()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    back = {k: oracle.from_numpy(v.numpy().copy()) for k, v in ours.layer.state_dict().items()}
    assert repr(theirs.layer.load_state_dict(back)) == "<All keys matched successfully>"


def test_every_layer_of_torch_is_compared(oracle: Any) -> None:
    nn = oracle.nn
    elsewhere = {"Module", "Container", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}
    elsewhere |= {"RNNBase", "RNNCellBase", "NLLLoss2d", "CrossMapLRN2d"}
    layers = {n for n in dir(nn) if isinstance(getattr(nn, n), type) and issubclass(getattr(nn, n), nn.Module)}
    assert layers - {name.partition("(")[0] for name in ALL} == elsewhere
