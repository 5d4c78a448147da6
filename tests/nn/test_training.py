"""A small network of many layers, trained by hand: the same losses as under torch."""

from __future__ import annotations

from typing import Any

import numpy as np


def losses(torch: Any) -> list[float]:
    """The losses of eight steps of gradient descent."""
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(4 * 3 * 3, 8),
        nn.LayerNorm(8),
        nn.GELU(),
        nn.Linear(8, 3),
    )
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(10, 1, 6, 6)).astype(np.float32))
    target = torch.from_numpy(rng.integers(0, 3, size=10))
    loss_of, out = nn.CrossEntropyLoss(label_smoothing=0.1), []
    for _ in range(8):
        net.zero_grad()
        loss = loss_of(net(x), target)
        loss.backward()
        with torch.no_grad():
            for param in net.parameters():
                param -= 0.1 * param.grad
        out.append(loss.item())
    return [*out, loss_of(net.eval()(x), target).item()]


def test_a_network_trained_by_hand_has_the_losses_it_has_under_torch(package: Any, oracle: Any) -> None:
    ours, theirs = losses(package), losses(oracle)
    assert theirs[7] < theirs[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
