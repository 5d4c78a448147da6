"""Multi-head attention and transformers beyond single layers."""

from __future__ import annotations

import copy
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tests.nn.programs import said, warned

pytestmark = pytest.mark.filterwarnings(
    "ignore:enable_nested_tensor is True"
)  # PyTorch's, of something that is not here

REFUSED = [
    *[
        "nn.MultiheadAttention(7, 2)",
        "nn.MultiheadAttention(0, 2)",
        "nn.MultiheadAttention(8, -2)",
        "mha(T.ones(8), x, x)",
    ],
    *[
        "mha(x[..., :7], x, x)",
        "mha(x, x, x, is_causal=True)",
        "mha(x, x, x[:2])",
        "mha(x, x, x, attn_mask=T.ones(2, 3))",
    ],
    "mha(x, x, x, key_padding_mask=T.ones(2, 3).int())",
    *["nn.TransformerEncoderLayer(8, 2, 16, 0.2, 'silu')", "nn.TransformerDecoderLayer(8, 2, activation='x')"],
    *["nn.TransformerEncoderLayer(8, 2, 16)(T.ones(1, 3, 2, 8))", "enc(x, src_mask=T.ones(3, 3).int())"],
    *["enc(x, src_key_padding_mask=T.ones(2, 3).int())", "enc(x, is_causal=True)"],
    "nn.TransformerEncoder(enc, 2)(x, is_causal=True)",
    "nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2)(x, x, tgt_is_causal=True)",
    *["nn.Transformer(8, 2, 1, 1, 16)(x, T.ones(3, 3, 8))", "nn.Transformer(8, 2, 1, 1, 16)(x, T.ones(3, 2, 7))"],
    "nn.Transformer(8, 2, 1, 1, 16, batch_first=True)(x, T.ones(2, 3, 8))",
]


def evaluate(torch: Any, text: str) -> Any:
    """Run an expression with the names of a package."""
    nn = torch.nn
    names = {"mha": nn.MultiheadAttention(8, 2), "enc": nn.TransformerEncoderLayer(8, 2, 16), "x": torch.ones(3, 2, 8)}
    return eval(text, names | {"T": torch, "nn": nn})


@pytest.mark.parametrize("text", REFUSED)
def test_mistakes_are_refused_as_in_torch(text: str, package: Any, oracle: Any) -> None:
    ours, theirs = [said(lambda t=t: evaluate(t, text)) for t in (package, oracle)]
    assert not theirs.startswith("no error")
    assert ours == theirs


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("need", [True, False])
def test_attention_weights_are_those_of_torch(need: bool, average: bool, package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        torch.manual_seed(1)
        layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        x = torch.arange(48.0).reshape(2, 3, 8).sin()
        masks = {"key_padding_mask": torch.tensor([[False, False, True], [False, True, False]])}
        masks["attn_mask"] = torch.ones(4, 3, 3).triu(1).bool()
        found.append(layer(x, x, x, need_weights=need, average_attn_weights=average, **masks))
    for ours, theirs in zip(*found, strict=True):
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), atol=1e-6)


def test_masks_of_two_types_are_warned_of_as_in_torch(package: Any, oracle: Any) -> None:
    text = "enc(x, src_mask=T.zeros(3, 3), src_key_padding_mask=T.ones(2, 3).bool()).shape"
    found = [warned(lambda t=t: evaluate(t, text)) for t in (package, oracle)]
    assert found[0] == found[1]


@pytest.mark.parametrize("how", [{"is_causal": True}, {}, {"is_causal": False}])
def test_a_causal_mask_lets_no_later_step_through(how: dict[str, bool], package: Any) -> None:
    net = package.nn.TransformerEncoder(package.nn.TransformerEncoderLayer(8, 2, 16), 2).eval()
    mask = package.nn.Transformer.generate_square_subsequent_mask(5)
    x = package.randn(5, 2, 8)
    other = x.clone()
    other[3:] += 1
    early = [net(given, mask=mask, **how)[:3].detach().numpy() for given in (x, other)]
    np.testing.assert_allclose(early[0], early[1], atol=1e-6)
    assert np.abs(early[0] - net(x)[:3].detach().numpy()).max() > 1e-3


def test_layers_of_a_stack_are_equal_at_first_and_independent(package: Any) -> None:
    net = package.nn.TransformerDecoder(package.nn.TransformerDecoderLayer(8, 2, 16), 2)
    one, two = [layer.linear1.weight for layer in net.layers]
    np.testing.assert_array_equal(one.detach().numpy(), two.detach().numpy())
    assert one is not two
    assert repr(copy.deepcopy(net)) == repr(net)


def test_a_transformer_has_the_parameters_of_torch(package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        torch.manual_seed(0)
        net = torch.nn.Transformer(8, 2, 2, 1, 12)
        found.append({k: v.numpy() for k, v in net.state_dict().items()})
    assert list(found[0]) == list(found[1])
    for name, value in found[1].items():
        np.testing.assert_array_equal(found[0][name], value)


def test_padded_places_have_numbers_in_evaluation_as_in_training(package: Any) -> None:
    layer = package.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    net, x = package.nn.TransformerEncoder(layer, 1), package.randn(2, 3, 8)
    padding = package.tensor([[False, False, True], [False, False, False]])
    expected = net(x, src_key_padding_mask=padding).detach().numpy()
    with package.no_grad():
        np.testing.assert_allclose(net.eval()(x, src_key_padding_mask=padding).numpy(), expected, atol=1e-6)


def test_every_choice_of_a_kernel_is_accepted_and_changes_nothing(package: Any) -> None:
    attention, q = package.nn.attention, package.randn(1, 2, 3, 4)
    expected = package.nn.functional.scaled_dot_product_attention(q, q, q).tolist()
    for backends in (*attention.SDPBackend, [attention.SDPBackend.MATH, attention.SDPBackend.FLASH_ATTENTION]):
        with attention.sdpa_kernel(backends, set_priority=True):
            assert package.nn.functional.scaled_dot_product_attention(q, q, q).tolist() == expected

    @attention.sdpa_kernel(attention.SDPBackend.MATH)
    def decorated() -> int:
        return 1

    assert decorated() == 1
    with pytest.raises(AssertionError, match="SDPBackend"), attention.sdpa_kernel(3):
        pass


@pytest.mark.parametrize("corner", ["causal_upper_left", "causal_lower_right"])
def test_causal_masks_of_other_shapes_have_the_values_of_torch(corner: str, package: Any, oracle: Any) -> None:
    found = []
    for torch in (package, oracle):
        bias = getattr(import_module(f"{torch.__name__}.nn.attention.bias"), corner)(3, 5)
        q, k = torch.arange(24.0).view(1, 2, 3, 4) / 10, torch.arange(40.0).view(1, 2, 5, 4).cos()
        out = torch.nn.functional.scaled_dot_product_attention(q, k, k, bias)
        found.append((out.numpy(), bias.seq_len_q, bias.seq_len_kv, int(bias.variant)))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-6)
    assert found[0][1:] == found[1][1:]


def test_causal_masks_that_leave_queries_without_keys_are_warned_of(package: Any) -> None:
    from wengert.nn.attention.bias import CausalBias, causal_lower_right, causal_upper_left

    with pytest.warns(UserWarning, match="will produce NaNs"):
        causal_lower_right(3, 2)
    with pytest.raises(AssertionError, match="only support 2D"):
        causal_upper_left(1, 2, 3)
    with pytest.raises(AssertionError, match="must be a CausalVariant"):
        CausalBias(1, 2, 3)  # type: ignore[arg-type]
