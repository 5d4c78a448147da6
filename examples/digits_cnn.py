"""Read handwritten digits with a convolutional network: modules, an optimizer, a schedule.

    python examples/digits_cnn.py [--out out] [--short]      (a few seconds, more than 98 % of held-out digits)

What examples/digits.py writes out by hand is here left to `nn` and `optim`, as one would do it in PyTorch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common import COLOURS, digit_images, plt, save_figure, settings

import wengert as torch
from wengert import nn
from wengert.history import History

BATCH, EPOCHS, RATE = 64, 8, 1e-2


def network() -> nn.Sequential:
    """Two convolutions see strokes, a dense layer what they make together; one score per digit, (n, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),  # the normalisation after it has a bias of its own
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(32 * 4 * 4, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def train(pictures: Any, digits: Any, epochs: int, history: History) -> nn.Sequential:
    """The network after some epochs; the rate rises from small, then falls to almost nothing."""
    torch.manual_seed(0)
    net = network()
    optimizer = torch.optim.AdamW(net.parameters())
    data = torch.utils.data.TensorDataset(pictures, digits)
    loader = torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, epochs=epochs, steps_per_epoch=len(loader))
    for _ in range(epochs):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.log(loss=loss, rate=schedule.get_last_lr()[0])
            schedule.step()
    return net.eval()


def plot(history: History, net: nn.Sequential, pictures: Any, digits: Any, path: Path) -> float:
    """Draw loss and rate by step, the filters, and the digits read with the least confidence; returns the accuracy."""
    with torch.no_grad():
        certainty, read = net(pictures).softmax(dim=1).max(dim=1)
    accuracy = (read == digits).float().mean().item()
    figure = plt.figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.1])
    axes = left.subplots()
    axes.semilogy(history["loss"].steps, history["loss"], linewidth=1.2, label="cross-entropy")
    axes.semilogy(history["rate"].steps, history["rate"], color=COLOURS[1], linewidth=1.2, label="learning rate")
    axes.set(title=f"{accuracy:.1%} of held-out digits read", xlabel="step", ylim=(1e-4, 5))
    axes.legend()
    right.suptitle("Held-out digits it was least sure of", x=0.01, ha="left", weight="bold")
    for panel, index in zip(right.subplots(3, 6).flat, certainty.argsort()[:18].tolist(), strict=True):
        panel.imshow(pictures[index, 0].numpy(), cmap="Blues")
        right_digit, seen = digits[index].item(), read[index].item()
        text = f"{seen}, {certainty[index].item():.0%}" if seen == right_digit else f"{seen}, is {right_digit}"
        panel.set_title(text, loc="center", fontsize=9, color="#22303c" if seen == right_digit else "#c0392b", pad=2)
        panel.set_axis_off()
    save_figure(figure, path)
    return accuracy


if __name__ == "__main__":
    options = settings(__doc__)
    train_x, train_y, test_x, test_y = digit_images()
    record = History()
    model = train(train_x, train_y, 4 if options.short else EPOCHS, record)
    print(nn.summary(model, (BATCH, 1, 8, 8)))
    share = plot(record, model, test_x, test_y, options.out / "digits_cnn.png")
    print(f"accuracy on held-out digits: {share:.1%} after {record.step} steps")
