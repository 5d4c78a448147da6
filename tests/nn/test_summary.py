"""nn.summary: what it counts and shows, and that it leaves the model as it was."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as torch
from wengert import nn


def net() -> Any:
    """A small network with a frozen layer, a part in a part, buffers and dropout."""
    made = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1, bias=False)),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(256, 10),
    )
    made[0].requires_grad_(False)
    return made


class Shared(nn.Module):
    """One layer at two places, a dict among the arguments, one among the results, a layer that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.second = nn.Linear(4, 4)
        self.words = nn.Embedding(10, 4)
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Any, scale: float, *, words: Any = None) -> Any:
        y = self.second(self.first(x["a"])) * scale
        return {"y": y, "words": None if words is None else (self.words(words), 3)}


def test_every_layer_has_its_shapes_parameters_and_bytes() -> None:
    found = nn.summary(net(), (32, 1, 8, 8))
    assert [layer.name for layer in found.layers] == ["", "0", "1", "2", "2.0", "2.1", "3", "4", "5"]
    assert (found["2.1"].kind, found["2.1"].input, found["2.1"].output) == ("Conv2d", (32, 8, 4, 4), (32, 16, 4, 4))
    assert (found["2.1"].trainable, found["2.1"].frozen, found["2.1"].parameters) == (1152, 0, 1152)
    assert (found["0"].trainable, found["0"].frozen, found["0"].parameter_bytes) == (0, 80, 320)
    assert (found["1"].buffer_bytes, found["1"].output_bytes) == (8 * 4 * 2 + 8, 32 * 8 * 64 * 4)
    assert found["2"].trainable == 1152
    assert (found.total.trainable, found.total.frozen) == (16 + 1152 + 2570, 80)
    assert found.total.output == (32, 10)
    assert found.activation_bytes == sum(found[n].output_bytes for n in ("0", "1", "2.0", "2.1", "3", "4", "5"))


def test_times_are_those_of_the_calls_and_of_all_calls_inside() -> None:
    found = nn.summary(net(), (8, 1, 8, 8))
    inner = sum(found[name].seconds for name in ("0", "1", "2", "3", "4", "5"))
    assert 0 < inner <= found.total.seconds
    assert all(layer.calls == 1 for layer in found.layers)


def test_a_layer_at_two_places_is_counted_once() -> None:
    x = {"a": torch.ones(3, 4), "rest": None}
    found = nn.summary(Shared(), x, 2.0, words=torch.tensor([1, 2]))
    assert found["first"].calls == 2
    assert found["second"].same_as == "first"
    assert found.total.parameters == 20 + 40 + 6
    assert found.total.input == ({"a": (3, 4), "rest": None}, "float", (2,))
    assert found.total.output == {"y": (3, 4), "words": [(2, 4), "int"]}
    assert (found["unused"].calls, found["unused"].output) == (0, None)


def test_the_table_lines_up() -> None:
    found = nn.summary(Shared(), {"a": torch.ones(3, 4)}, 2.0)
    for layer in found.layers:
        layer.seconds = 0.0015 if layer.calls else 0.0
    assert str(found).split("\n") == [
        "layer                             output                   parameters  bytes    time",
        "------------------------------------------------------------------------------------",
        "Shared                            {y: 3 x 4, words: None}          66  264 B  1.5 ms",
        "  first: Linear                   3 x 4 (2 calls)                  20   80 B  1.5 ms",
        "  second: Linear (same as first)",
        "  words: Embedding                                                 40  160 B",
        "  unused: Linear                                                    6   24 B",
        "------------------------------------------------------------------------------------",
        "parameters: 66 trainable (264 B)",
        "results of layers: 96 B",
        "forward pass: 1.5 ms",
    ]


def test_frozen_parameters_and_buffers_are_shown() -> None:
    text = str(nn.summary(net(), (2, 1, 8, 8)))
    assert "80 frozen " in text
    assert "3,818 (80 frozen)" in text
    assert "parameters: 3,738 trainable, 80 frozen (14.91 KB)" in text
    assert "buffers: 72 B" in text


def test_depth_limits_the_table_but_not_the_result() -> None:
    found = nn.summary(net(), (2, 1, 8, 8), depth=1)
    assert "Conv2d" in str(found)
    assert "MaxPool2d" not in str(found)
    assert found["2.0"].output == (2, 8, 4, 4)


def test_without_arguments_the_model_is_not_called() -> None:
    class Never(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self) -> Any:
            raise AssertionError("called")

    found = nn.summary(Never())
    assert (found.total.parameters, found.total.calls) == (6, 0)
    assert "forward pass" not in str(found)


def test_modes_buffers_random_numbers_gradients_and_hooks_are_as_before() -> None:
    model = net().train()
    model[5].eval()
    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    before = {k: v.tolist() for k, v in model.state_dict().items()}
    nn.summary(model, (2, 1, 8, 8))
    assert torch.rand(2).tolist() == expected
    assert {k: v.tolist() for k, v in model.state_dict().items()} == before
    assert [module.training for module in model] == [True] * 5 + [False]
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_random_arguments_have_the_dtype_of_the_model() -> None:
    assert nn.summary(nn.Linear(2, 3).double(), (4, 2)).total.output_bytes == 4 * 3 * 8


def test_several_arguments_may_be_shapes() -> None:
    assert nn.summary(nn.Bilinear(2, 3, 4), (5, 2), (5, 3)).total.input == ((5, 2), (5, 3))


def test_an_error_says_in_which_layer_it_was_raised_and_nothing_stays_behind() -> None:
    model = net().train()
    with pytest.raises(RuntimeError, match="channels") as caught:
        nn.summary(model, (2, 3, 8, 8))
    assert caught.value.__notes__ == ["nn.summary: raised in 0 (Conv2d), which was called with 2 x 3 x 8 x 8"]
    assert model[0].training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_parametrized_layers_are_counted_by_what_is_trained() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    found = nn.summary(layer, (1, 3))
    assert found.total.trainable == 2 + 2 + 6
    assert found.total.output == (1, 2)


def test_lazy_layers_are_counted_as_what_the_call_makes_of_them() -> None:
    model = nn.Sequential(nn.LazyLinear(3))
    assert (nn.summary(model)["0"].kind, nn.summary(model).total.parameters) == ("LazyLinear", 0)
    assert (nn.summary(model, (2, 7))["0"].kind, nn.summary(model).total.parameters) == ("Linear", 24)


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        nn.summary(net())["nothing"]
