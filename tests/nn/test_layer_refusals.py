"""Arguments and inputs that layers refuse: torch's exception class and sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.nn.programs import plain, said, warned

MADE: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Conv2d", (4, 6, 3), {"groups": 3}),
    ("Conv2d", (3, 4, 3), {"groups": 3}),
    ("Conv2d", (3, 4, 3), {"groups": 0}),
    ("Conv2d", (3, 4, 3), {"padding": "same", "stride": 2}),
    ("ConvTranspose2d", (3, 4, 3), {"padding_mode": "circular"}),
    ("Dropout", (1.5,), {}),
    ("Dropout2d", (-0.1,), {}),
    ("Hardtanh", (2.0, 1.0), {}),
    ("Embedding", (3, 2, 3), {}),
    ("Embedding", (3, 2, -4), {}),
    ("EmbeddingBag", (3, 2), {"padding_idx": 5}),
    ("Unflatten", (1, 3), {}),
    ("Unflatten", (1, (2, 1.5)), {}),
    ("FractionalMaxPool2d", (2,), {}),
    ("FractionalMaxPool2d", (2, 3, 0.5), {}),
    ("FractionalMaxPool3d", (2,), {"output_ratio": 1.5}),
    ("FractionalMaxPool3d", (0, 2), {}),
    ("GroupNorm", (3, 4), {}),
    ("HuberLoss", (), {"delta": "x"}),
    ("MultiMarginLoss", (3,), {}),
    ("TripletMarginLoss", (0.0,), {}),
    ("TripletMarginWithDistanceLoss", (), {"margin": -1.0}),
    ("Bilinear", (0, 2, 3), {}),
    ("AdaptiveLogSoftmaxWithLoss", (4, 8, []), {}),
    ("AdaptiveLogSoftmaxWithLoss", (4, 8, [3, 8]), {}),
    ("AdaptiveLogSoftmaxWithLoss", (4, 8, [3, 2]), {}),
]
CALLED: list[tuple[str, tuple[Any, ...], tuple[int, ...]]] = [
    ("Softmax2d", (), (2, 3)),
    ("BatchNorm1d", (3,), (2, 3, 4, 5)),
    ("BatchNorm2d", (3,), (2, 3)),
    ("BatchNorm3d", (3,), (2, 3)),
    ("BatchNorm1d", (3,), (1, 3)),
    ("InstanceNorm1d", (3,), (2,)),
    ("InstanceNorm2d", (3,), (2, 3)),
    ("InstanceNorm3d", (3,), (2, 3)),
    ("InstanceNorm1d", (3, 1e-5, 0.1, True), (2, 4, 5)),
    ("CircularPad1d", (1,), (4,)),
    ("CircularPad3d", (1,), (2, 3, 4)),
    ("Linear", (3, 2), (4, 4)),
]


@pytest.mark.parametrize(("name", "args", "options"), MADE)
def test_a_layer_refuses_arguments_as_torch_does(name: str, args: Any, options: Any, package: Any, oracle: Any) -> None:
    ours, theirs = [said(lambda t=t: getattr(t.nn, name)(*args, **options)) for t in (package, oracle)]
    assert not theirs.startswith("no error")
    assert ours == theirs


@pytest.mark.parametrize(("name", "args", "shape"), CALLED)
def test_a_layer_refuses_inputs_as_torch_does(name: str, args: Any, shape: Any, package: Any, oracle: Any) -> None:
    ours, theirs = [said(lambda t=t: getattr(t.nn, name)(*args)(t.ones(shape))) for t in (package, oracle)]
    assert not theirs.startswith("no error")
    assert ours == theirs


def test_a_wrong_output_size_of_a_transposed_convolution_is_refused_as_in_torch(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        layer, x = torch.nn.ConvTranspose2d(1, 1, 3, stride=2), torch.ones(1, 1, 3, 3)
        sizes = [(7, 8), (1, 1, 8, 7), (9, 9), (7,), (1, 7, 7)]
        found.append([said(lambda size=size, layer=layer, x=x: tuple(layer(x, size).shape)) for size in sizes])
    assert found[0] == found[1]


def test_padding_names_are_checked(package: Any) -> None:
    with pytest.raises(ValueError, match="Invalid padding string 'full'"):
        package.nn.Conv1d(1, 1, 1, padding="full")
    with pytest.raises(ValueError, match="padding_mode must be one of"):
        package.nn.Conv1d(1, 1, 1, padding_mode="mirror")


def test_deprecated_arguments_warn_as_in_torch(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        nn = torch.nn
        results = [
            warned(lambda nn=nn: repr(nn.Hardtanh(min_value=-3.0, max_value=2.0))),
            warned(lambda nn=nn: nn.MSELoss(size_average=False).reduction),
            warned(lambda nn=nn: nn.NLLLoss(reduce=False).reduction),
            warned(lambda nn=nn, torch=torch: nn.InstanceNorm1d(3)(torch.ones(2, 4, 5)).shape),
            warned(lambda nn=nn, torch=torch: nn.Softmax()(torch.ones(2, 2)).tolist()),
        ]
        found.append(plain(repr(results)))
    assert found[0] == found[1]


def test_pretrained_tables_are_frozen_unless_told_otherwise(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        rows, facts = torch.arange(6.0).reshape(3, 2), []
        for kind in (torch.nn.Embedding, torch.nn.EmbeddingBag):
            for freeze in (True, False):
                layer = kind.from_pretrained(rows, freeze=freeze, padding_idx=1)
                facts += [repr(layer), layer.weight.requires_grad, layer.weight.tolist()]
            facts.append(said(lambda kind=kind, rows=rows: kind.from_pretrained(rows[0])))
        found.append(facts)
    assert found[0] == found[1]


def test_batch_norm_reads_states_from_before_it_counted_batches(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        layer = torch.nn.BatchNorm1d(2)
        layer(torch.ones(3, 2))
        old = {k: v for k, v in layer.state_dict().items() if k != "num_batches_tracked"}
        found.append([repr(layer.load_state_dict(old)), layer.num_batches_tracked.item()])
    assert found[0] == found[1]


def test_every_layer_named_for_lazy_import_is_there(package: Any) -> None:
    for name in package.nn._PLACES:
        assert callable(getattr(package.nn, name))
    assert set(package.nn._PLACES) <= set(dir(package.nn))


def test_adaptive_softmax_predicts_and_refuses_as_in_torch(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        torch.manual_seed(2)
        layer = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 6, [2, 4])
        x, zero = torch.arange(32.0).reshape(2, 16) / 10, torch.tensor([0, 5])
        facts = [layer.log_prob(x).detach().numpy().round(4).tolist(), layer.predict(x).tolist()]
        calls = [(x, zero + 4), (x, zero[:1]), (x[0], zero), (x, zero[0]), (x, zero.reshape(1, 2))]
        facts += [said(lambda call=call, layer=layer: layer(*call)) for call in calls]
        facts.append(tuple(layer(x[0], zero[1]).output.shape))
        found.append(facts)
    assert np.allclose(found[0][0], found[1][0], atol=2e-4)
    assert found[0][1:] == found[1][1:]
