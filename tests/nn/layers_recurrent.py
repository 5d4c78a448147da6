"""Recurrent layers, attention, transformers, lazy layers and others to compare, as in ``layers``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np

from tests.nn.layers import Case, case, classes


def packed(*lengths: int, features: int, ordered: bool = False) -> Callable[[Any], Any]:
    """A packed sequence of sequences of these lengths."""

    def make(package: Any) -> Any:
        rng = np.random.default_rng(1)
        rnn = import_module(f"{package.__name__}.nn.utils.rnn")
        rows = [package.from_numpy(rng.normal(size=(n, features))).float() for n in lengths]
        return rnn.pack_sequence(rows, enforce_sorted=ordered)

    return make


def causal(size: int) -> Callable[[Any], Any]:
    """The causal mask."""
    return lambda package: package.nn.Transformer.generate_square_subsequent_mask(size)


def padding(rows: int, keys: int) -> Callable[[Any], Any]:
    """A mask that leaves the last keys of all rows but the first out."""
    return lambda package: package.tensor([[r > 0 and k >= keys - r for k in range(keys)] for r in range(rows)])


def nothing(package: Any) -> None:
    """No tensor."""


def truth(value: bool) -> Callable[[Any], bool]:
    """A flag."""
    return lambda package: value


RECURRENT: dict[str, Case] = dict(
    [
        *[
            case(kind, (5, 3, 4), [(2, 3, 6), (2, 3, 6)] if kind == "LSTM" else (2, 3, 6), args=(4, 6), **options)
            for kind in ("RNN", "LSTM", "GRU")
            for options in (
                {"num_layers": 2},
                {"num_layers": 2, "dropout": 0.3, "bias": False},
                {"bidirectional": True},
            )
        ],
        *[case(kind, (4, 5, 3), args=(3, 4, 2), batch_first=True, dropout=0.5) for kind in ("RNN", "LSTM", "GRU")],
        *[case(kind, (5, 3), args=(3, 4), bidirectional=True) for kind in ("RNN", "LSTM", "GRU")],
        case("RNN", (5, 3, 4), args=(4, 3), nonlinearity="relu"),
        case("LSTM", (5, 3, 4), args=(4, 6), proj_size=2, num_layers=2, bidirectional=True),
        case("LSTM", (3, 5, 4), [(2, 3, 2), (2, 3, 5)], args=(4, 5), proj_size=2, batch_first=True, bidirectional=True),
        case("LSTM", (5, 4), [(1, 6), (1, 6)], args=(4, 6)),
        *[case(kind, (1, 1, 2), args=(2, 3)) for kind in ("RNN", "LSTM", "GRU")],
        *[
            case(kind, packed(2, 4, 4, 1, features=3), args=(3, 4), bidirectional=both, num_layers=2, dropout=0.2)
            for kind, both in product(("RNN", "LSTM", "GRU"), (False, True))
        ],
        case("LSTM", packed(2, 4, features=3), [(1, 2, 4), (1, 2, 4)], args=(3, 4)),
        case("GRU", packed(4, 2, 2, features=3, ordered=True), (1, 3, 4), args=(3, 4), bias=False),
        *[case(kind, (3, 4), args=(4, 5)) for kind in ("RNNCell", "LSTMCell", "GRUCell")],
        *[case(kind, (4,), (5,), args=(4, 5), bias=False) for kind in ("RNNCell", "GRUCell")],
        case("RNNCell", (3, 4), (3, 5), args=(4, 5), nonlinearity="relu"),
        case("LSTMCell", (3, 4), [(3, 5), (3, 5)], args=(4, 5), bias=False),
        case("LSTMCell", (4,), [(5,), (5,)], args=(4, 5)),
    ]
)

ATTENTION: dict[str, Case] = dict(
    [
        case("MultiheadAttention", (3, 2, 8), (4, 2, 8), (4, 2, 8), args=(8, 2)),
        case("MultiheadAttention", (2, 3, 8), (2, 4, 8), (2, 4, 8), args=(8, 4), batch_first=True, bias=False),
        case("MultiheadAttention", (3, 2, 8), (4, 2, 6), (4, 2, 5), args=(8, 2), kdim=6, vdim=5, add_bias_kv=True),
        case("MultiheadAttention", (3, 8), (4, 8), (4, 8), args=(8, 2), add_zero_attn=True, dropout=0.4),
        case("MultiheadAttention", (3, 2, 8), (4, 2, 8), (4, 2, 8), padding(2, 4), truth(False), args=(8, 2)),
        case(
            "MultiheadAttention",
            (3, 2, 8),
            (3, 2, 8),
            (3, 2, 8),
            nothing,
            truth(True),
            causal(3),
            truth(False),
            args=(8, 2),
        ),
        *[
            case("TransformerEncoderLayer", (3, 2, 8), *more, args=(8, 2, 12), **options)
            for options in (
                {},
                {"norm_first": True, "activation": "gelu", "batch_first": True},
                {"bias": False, "dropout": 0.0, "layer_norm_eps": 1e-3},
            )
            for more in ((), (causal(2 if "batch_first" in options else 3),))
        ],
        *[
            case("TransformerDecoderLayer", (3, 2, 8), (4, 2, 8), *more, args=(8, 2, 12), **options)
            for options in ({}, {"norm_first": True, "activation": "gelu"}, {"bias": False, "dropout": 0.3})
            for more in ((), (causal(3), nothing, nothing, padding(2, 4)))
        ],
        case("TransformerDecoderLayer", (2, 3, 8), (2, 4, 8), args=(8, 4, 12), batch_first=True),
        case("Transformer", (3, 2, 8), (4, 2, 8), nothing, causal(4), args=(8, 2, 1, 2, 12)),
        case("Transformer", (2, 3, 8), (2, 4, 8), args=(8, 2, 2, 1, 12, 0.0), batch_first=True, norm_first=True),
    ]
)


def _stack(kind: str, norm: bool, nn: Any) -> Any:
    layer = getattr(nn, f"Transformer{kind}Layer")(8, 2, 12, 0.1)
    more = {"enable_nested_tensor": False} if kind == "Encoder" else {}
    return getattr(nn, f"Transformer{kind}")(layer, 2, nn.LayerNorm(8) if norm else None, **more)


ATTENTION["TransformerEncoder"] = Case(lambda nn: _stack("Encoder", True, nn), ((3, 2, 8), causal(3)))
ATTENTION["TransformerEncoder(padding)"] = Case(
    lambda nn: _stack("Encoder", False, nn), ((3, 2, 8), nothing, padding(2, 3))
)
ATTENTION["TransformerDecoder"] = Case(lambda nn: _stack("Decoder", False, nn), ((3, 2, 8), (4, 2, 8)))
ATTENTION["TransformerEncoderLayer(activation a module)"] = Case(
    lambda nn: nn.TransformerEncoderLayer(8, 2, 12, activation=nn.SiLU()), ((3, 2, 8),)
)
ATTENTION["TransformerDecoderLayer(activation a function)"] = Case(
    lambda nn: nn.TransformerDecoderLayer(8, 2, 12, activation=nn.functional.elu), ((3, 2, 8), (4, 2, 8))
)

OTHERS: dict[str, Case] = dict(
    [
        case("LazyLinear", (2, 3, 4), args=(2,)),
        case("LazyLinear", (3, 4), args=(2,), bias=False),
        *[case(f"LazyConv{n}d", (2, 4, *((5, 6, 4)[:n])), args=(6, 2), groups=2) for n in (1, 2, 3)],
        case("LazyConv2d", (4, 5, 6), args=(6, 3, 1, "same"), padding_mode="reflect", bias=False),
        *[case(f"LazyConvTranspose{n}d", (2, 4, *((5, 6, 4)[:n])), args=(6, 2), stride=2) for n in (1, 2, 3)],
        *[case(f"LazyBatchNorm{n}d", (3, 4, *((5, 6, 4)[:n]))) for n in (1, 2, 3)],
        case("LazyBatchNorm1d", (3, 4), affine=False, momentum=0.3),
        case("LazyBatchNorm2d", (3, 4, 2, 2), track_running_stats=False, bias=False),
        *[case(f"LazyInstanceNorm{n}d", (3, 4, *((5, 6, 4)[:n]))) for n in (1, 2, 3)],
        case("LinearCrossEntropyLoss", (5, 4), classes(5, n=3), args=(4, 3), bias=True),
        case("LinearCrossEntropyLoss", (5, 4), classes(5, 2, n=3), args=(4, 3), out_features=(2,), reduction="none"),
        case("LinearCrossEntropyLoss", (5, 4), classes(5, n=3), args=(4, 3), ignore_index=1, label_smoothing=0.2),
        case("SyncBatchNorm", (3, 4, 2), args=(4,), momentum=0.3),
    ]
)
OTHERS["DataParallel"] = Case(lambda nn: nn.DataParallel(nn.Linear(3, 2)), ((4, 3),))
