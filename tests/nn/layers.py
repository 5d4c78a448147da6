"""Layers to compare: how each is made, and the shapes of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

Make = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """One layer; `inputs` are shapes of normal values, or functions of the package that make an input."""

    make: Make
    inputs: tuple[Any, ...]


def _make(name: str, args: tuple[Any, ...], options: dict[str, Any], nn: Any) -> Any:
    return getattr(nn, name)(*args, **options)


def layers(*names: str, shape: tuple[int, ...] = (3, 4)) -> dict[str, Case]:
    """Layers without arguments."""
    return {name: Case(partial(_make, name, (), {}), (shape,)) for name in names}


def _shape_text(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else "values"


def case(name: str, *inputs: Any, args: tuple[Any, ...] = (), **options: Any) -> tuple[str, Case]:
    """A layer with arguments, under a key that names them."""
    shown = ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in options.items()), *map(_shape_text, inputs)])
    return f"{name}({shown})", Case(partial(_make, name, args, options), inputs)


def classes(*shape: int, n: int) -> Callable[[Any], Any]:
    """An input of int64 in [0, n), the same for every package."""

    def make(package: Any) -> Any:
        count = 1
        for size in shape:
            count *= size
        return package.tensor([(7 * i + 3) % n for i in range(count)]).reshape(shape)

    return make


def numbers(*values: Any) -> Callable[[Any], Any]:
    """An input of given values."""
    return lambda package: package.tensor(values if len(values) > 1 else values[0])


def signs(*shape: int) -> Callable[[Any], Any]:
    """An input of 1 and -1."""
    return lambda package: classes(*shape, n=2)(package) * 2.0 - 1


def shares(*shape: int) -> Callable[[Any], Any]:
    """An input in (0, 1) that requires grad."""
    return lambda package: ((classes(*shape, n=10)(package) + 0.5) / 10).requires_grad_()


PLAIN = (
    *("ReLU", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish", "ReLU6", "ELU", "CELU", "LeakyReLU", "PReLU", "GELU"),
    *(
        "Hardshrink",
        "Softshrink",
        "Softplus",
        "Sigmoid",
        "Tanh",
        "LogSigmoid",
        "Softsign",
        "Tanhshrink",
        "GLU",
        "RReLU",
    ),
    *("Hardtanh", "Identity", "Flatten", "Dropout", "AlphaDropout"),
)
INPLACE = ("ReLU", "SELU", "SiLU", "Mish", "ELU", "CELU", "LeakyReLU", "ReLU6", "Hardtanh")
CASES: dict[str, Case] = {
    **layers(*PLAIN),
    **layers("Softmax2d", "Dropout2d", "FeatureAlphaDropout", shape=(2, 3, 4, 5)),
    **layers("Dropout1d", shape=(2, 3, 4)),
    **layers("Dropout3d", shape=(2, 3, 2, 2, 2)),
    **dict(
        [
            *[case(n, (3, 4), inplace=True) for n in INPLACE],
            case("Threshold", (3, 4), args=(0.1, 20.0)),
            case("Threshold", (3, 4), args=(0.1, 20.0, True)),
            case("RReLU", (3, 4), lower=0.1, upper=0.3, inplace=True),
            case("Hardtanh", (3, 4), args=(-2.0, 0.5)),
            case("PReLU", (3, 4, 2), args=(4, 0.1)),
            case("GELU", (3, 4), approximate="tanh"),
            case("Softplus", (3, 4), beta=2.0, threshold=1.0),
            *[case(n, (3, 4), dim=1) for n in ("Softmax", "Softmin", "LogSoftmax")],
            case("GLU", (4, 3), dim=0),
            case("Dropout", (3, 4), p=0.2, inplace=True),
            # linear
            case("Identity", (3, 4), args=(54,), unused=True),
            case("Linear", (3, 4), args=(4, 2)),
            case("Linear", (2, 3, 4), args=(4, 2), bias=False),
            case("Bilinear", (3, 4), (3, 2), args=(4, 2, 5)),
            case("Bilinear", (3, 4), (3, 2), args=(4, 2, 5), bias=False),
            case("Embedding", classes(2, 3, n=5), args=(5, 3)),
            case("Embedding", classes(2, 3, n=5), args=(5, 3), padding_idx=-2, max_norm=1.0),
            case("Embedding", classes(2, 3, n=5), args=(5, 3), scale_grad_by_freq=True, norm_type=1.0),
            case("EmbeddingBag", classes(2, 3, n=5), args=(5, 3)),
            case("EmbeddingBag", classes(7, n=5), numbers(0, 2, 5), args=(5, 3), mode="sum", padding_idx=1),
            case("EmbeddingBag", classes(7, n=5), numbers(0, 2, 7), args=(5, 3), mode="max", include_last_offset=True),
            # convolution
            case("Conv1d", (2, 4, 9), args=(4, 6, 3)),
            case("Conv1d", (2, 4, 9), args=(4, 6, 3), groups=2, padding="same", padding_mode="reflect"),
            case("Conv1d", (4, 9), args=(4, 6, 3), stride=2, padding=1, dilation=2, bias=False),
            case("Conv2d", (2, 4, 7, 6), args=(4, 6, (3, 2))),
            case("Conv2d", (2, 4, 7, 6), args=(4, 6, 3), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
            *[
                case("Conv2d", (2, 2, 5, 6), args=(2, 3, 3), padding=(1, 2), padding_mode=m)
                for m in ("reflect", "replicate", "circular")
            ],
            case("Conv2d", (2, 2, 5, 6), args=(2, 3, (2, 3)), padding="same", dilation=(1, 2), padding_mode="circular"),
            case("Conv2d", (2, 2, 5, 6), args=(2, 3, 3), padding="valid"),
            case("Conv3d", (1, 2, 4, 5, 4), args=(2, 3, 2), padding=1),
            case("ConvTranspose1d", (2, 4, 5), args=(4, 6, 3), stride=2, output_padding=1, padding=1),
            case("ConvTranspose2d", (2, 4, 5, 4), args=(4, 6, 3), groups=2, dilation=2, bias=False),
            case("ConvTranspose3d", (1, 2, 3, 3, 2), args=(2, 3, 2), stride=2),
            # pooling
            case("MaxPool1d", (2, 3, 8), args=(2,)),
            case("MaxPool2d", (2, 3, 8, 7), args=(3, 2), padding=1),
            case("MaxPool2d", (2, 3, 8, 7), args=(2,), ceil_mode=True, return_indices=True),
            case("MaxPool3d", (2, 3, 4, 4, 4), args=((2, 1, 2),), dilation=2),
            case("AvgPool1d", (2, 3, 8), args=(3,), stride=2, padding=1),
            case("AvgPool2d", (2, 3, 8, 7), args=(3, 2), padding=1, count_include_pad=False),
            case("AvgPool2d", (2, 3, 8, 7), args=((3, 2),), divisor_override=5),
            case("AvgPool3d", (2, 3, 4, 4, 4), args=(2,), ceil_mode=True),
            case("MaxUnpool1d", (1, 1, 2), numbers([[[1, 2]]]), args=(2,)),
            case("MaxUnpool2d", (1, 1, 1, 2), numbers([[[[1, 6]]]]), args=(2,)),
            case("MaxUnpool3d", (1, 1, 1, 1, 2), numbers([[[[[1, 6]]]]]), args=(2, 2, 0)),
            case("LPPool1d", shares(2, 3, 8), args=(2, 3), stride=2),
            case("LPPool2d", shares(2, 3, 8, 7), args=(1.5, (3, 2)), ceil_mode=True),
            case("LPPool3d", shares(2, 3, 4, 4, 4), args=(2, 2)),
            case("FractionalMaxPool2d", (2, 3, 8, 7), args=(2,), output_size=(4, 3)),
            case("FractionalMaxPool2d", (2, 3, 8, 7), args=(2,), output_ratio=0.5, return_indices=True),
            case("FractionalMaxPool3d", (1, 2, 6, 6, 6), args=(2,), output_ratio=(0.5, 0.6, 0.7)),
            *[
                case(f"Adaptive{kind}Pool{n}d", (2, 3, *((7, 6, 5)[:n])), args=(size,))
                for kind in ("Avg", "Max")
                for n in (1, 2, 3)
                for size in (3, (None, 2, 3)[-n:])
                if n > 1 or size == 3
            ],
            case("AdaptiveMaxPool2d", (2, 3, 7, 6), args=(2, True)),
            # padding
            *[
                case(f"{kind}Pad{n}d", (2, 3, *((5, 6, 4)[:n])), args=(padding,))
                for kind in ("Zero", "Circular", "Reflection", "Replication")
                for n in (1, 2, 3)
                for padding in (1, tuple(range(2 * n)) if n == 1 else (1, 2) * n)
            ],
            *[case(f"ConstantPad{n}d", (2, 3, *((5, 6, 4)[:n])), args=((1, 2) * n, 3.5)) for n in (1, 2, 3)],
            # normalisation
            case("BatchNorm1d", (5, 3), args=(3,)),
            case("BatchNorm1d", (5, 3, 4), args=(3,), bias=False, momentum=None),
            case("BatchNorm2d", (5, 3, 2, 4), args=(3,), affine=False),
            case("BatchNorm2d", (5, 3, 2, 4), args=(3,), track_running_stats=False, eps=1e-3),
            case("BatchNorm3d", (5, 3, 2, 2, 2), args=(3,), momentum=0.3),
            case("InstanceNorm1d", (2, 3, 4), args=(3,)),
            case("InstanceNorm1d", (3, 4), args=(3,), affine=True),
            case("InstanceNorm2d", (2, 3, 4, 2), args=(3,), affine=True, track_running_stats=True),
            case("InstanceNorm3d", (2, 3, 4, 2, 2), args=(3,), track_running_stats=True, momentum=0.4),
            case("LayerNorm", (2, 3, 4), args=(4,)),
            case("LayerNorm", (2, 3, 4), args=([3, 4],), bias=False),
            case("LayerNorm", (2, 3, 4), args=((3, 4), 1e-3), elementwise_affine=False),
            case("GroupNorm", (2, 6, 4), args=(3, 6)),
            case("GroupNorm", (2, 6, 4), args=(2, 6), affine=False),
            case("GroupNorm", (2, 6, 4), args=(2, 6), bias=False),
            case("RMSNorm", (2, 3, 4), args=(4,)),
            case("RMSNorm", (2, 3, 4), args=((3, 4), 1e-2, False)),
            case("LocalResponseNorm", (2, 5, 4), args=(3,), alpha=0.1),
            # shapes and distances
            case("Flatten", (2, 3, 4, 5), args=(0, 2)),
            case("Unflatten", (2, 6), args=(1, (2, -1))),
            case("Unfold", (2, 3, 5, 6), args=((2, 3),), padding=1, stride=2),
            case("Fold", (2, 12, 4), args=((3, 3), 2)),
            case("PixelShuffle", (2, 8, 3, 2), args=(2,)),
            case("PixelUnshuffle", (2, 2, 4, 6), args=(2,)),
            case("ChannelShuffle", (2, 6, 3), args=(3,)),
            case("Upsample", (1, 2, 3, 4), scale_factor=2),
            case("Upsample", (1, 2, 3, 4), size=(5, 6), mode="bilinear", align_corners=True),
            case("Upsample", (1, 2, 3, 4), scale_factor=(1.5, 2), mode="bicubic"),
            case("Upsample", (1, 2, 5), size=3, mode="linear"),
            case("UpsamplingNearest2d", (1, 2, 3, 4), scale_factor=2),
            case("UpsamplingBilinear2d", (1, 2, 3, 4), size=(5, 7)),
            case("PairwiseDistance", (3, 4), (3, 4), p=1.0, keepdim=True),
            case("CosineSimilarity", (3, 4), (3, 4), dim=0),
            # losses
            *[case(n, (3, 4), (3, 4)) for n in ("L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss")],
            *[case("MSELoss", (3, 4), (3, 4), reduction=r) for r in ("sum", "none")],
            case("SmoothL1Loss", (3, 4), (3, 4), beta=0.3),
            case("HuberLoss", (3, 4), (3, 4), reduction="sum", delta=0.4),
            case("NLLLoss", (3, 4), classes(3, n=4), ignore_index=1),
            case("CrossEntropyLoss", (3, 4), classes(3, n=4), label_smoothing=0.1),
            case("CrossEntropyLoss", (3, 4, 2), classes(3, 2, n=4), reduction="none", ignore_index=2),
            case("PoissonNLLLoss", (3, 4), shares(3, 4), full=True),
            case("GaussianNLLLoss", (3, 4), (3, 4), shares(3, 4), full=True, reduction="sum"),
            case("KLDivLoss", (3, 4), shares(3, 4), reduction="batchmean"),
            case("KLDivLoss", (3, 4), (3, 4), log_target=True, reduction="sum"),
            case("BCELoss", shares(3, 4), shares(3, 4)),
            case("BCEWithLogitsLoss", (3, 4), shares(3, 4)),
            case("HingeEmbeddingLoss", (3, 4), signs(3, 4), margin=0.5),
            case("MarginRankingLoss", (3,), (3,), signs(3), margin=0.5),
            case("CosineEmbeddingLoss", (3, 4), (3, 4), signs(3), margin=0.2),
            case("SoftMarginLoss", (3, 4), signs(3, 4)),
            case("MultiLabelMarginLoss", (2, 3), numbers([2, 0, -1], [1, -1, 0])),
            case("MultiLabelSoftMarginLoss", (3, 4), shares(3, 4)),
            case("MultiMarginLoss", (3, 4), classes(3, n=4), p=2, margin=0.7),
            case("TripletMarginLoss", (3, 4), (3, 4), (3, 4), swap=True, p=1.0),
            case("TripletMarginWithDistanceLoss", (3, 4), (3, 4), (3, 4), swap=True),
            case("AdaptiveLogSoftmaxWithLoss", (5, 16), classes(5, n=9), args=(16, 9, [3, 6]), head_bias=True),
            case("CTCLoss", (6, 2, 4), numbers([1, 2], [3, 1]), numbers(6, 5), numbers(2, 1)),
        ]
    ),
}
