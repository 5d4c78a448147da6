"""Rows of the recorded behaviour that do not hold here, each with its reason."""

from __future__ import annotations

from wengert._config import is_compiled

TRANSFORMS = "needs wengert.func (vmap, grad as a transform), which is not there yet"
CHECKPOINT = "needs utils.checkpoint, which is not there yet"
LINALG = "the decompositions of torch.linalg are not there yet"
FFT = "torch.fft is not there yet"
LAYERS = "convolution, pooling, normalisation layers, padding, interpolation, attention are not there yet"
PLAIN = "uncompiled classes accept attributes and weak references (docs/design/0005)"

# Whole groups, by the beginning of the id.
GROUPS = {
    "func-": TRANSFORMS,
    "vmap-": TRANSFORMS,
    "fc-": TRANSFORMS,
    "sms-": TRANSFORMS,
    "ckpt-": CHECKPOINT,
    "sem-func-": TRANSFORMS,
    "sem-ckpt-": CHECKPOINT,
}
ROWS = {
    "fn-functorch-ctx": TRANSFORMS,
    "fn-vmap-missing": TRANSFORMS,
    "fn-vmap-both": TRANSFORMS,
    "fn-vmap-return": TRANSFORMS,
    "sem-grad-steal-view": "on purpose: two gradients never share memory (docs/design/0004)",
    "sem-fn-name": "on purpose: Node is a real base class here (docs/design/0005)",
}
if not is_compiled():
    ROWS["fn-node-setattr"] = PLAIN
    ROWS["fn-node-weakref"] = PLAIN
for _name in (
    "det",
    "slogdet",
    "logdet",
    "inverse",
    "solve",
    "cholesky",
    "qr",
    "svd",
    "eigh",
    "matrix-exp",
    "solve-triangular",
):
    ROWS[f"node-{_name}"] = LINALG
for _name in ("saved-det", "saved-inv"):
    ROWS[_name] = LINALG
for _name in ("node-fft", "node-rfft"):
    ROWS[_name] = FFT
for _name in (
    "conv1d", "conv2d", "max-pool1d", "max-pool2d", "avg-pool1d", "avg-pool2d", "adaptive-avg-1", "pad", "layer-norm",
    "batch-norm", "group-norm", "rms-norm", "interpolate", "unfold", "sdpa",
):  # fmt: skip
    ROWS[f"node-F-{_name}"] = LAYERS
ROWS["kink-maxpool-tie"] = LAYERS


def reason_for(key: str) -> str | None:
    """Why a row is expected to differ; None when it must hold."""
    for start, reason in GROUPS.items():
        if key.startswith(start):
            return reason
    return ROWS.get(key)
