"""Fine-tuning: a network that reads digits learns to read their outlines from one picture of each.

    python examples/finetune_digits.py [--out out] [--short]      (some seconds)

A network learns to read handwritten digits. It is then shown outlines, which it has never seen, ten of them: once with all
layers frozen but the last, once with all layers free to change, and beside them a network that starts from nothing.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from common import batches, digit_images, plt, save_figure, settings

import wengert as torch
from wengert import nn
from wengert.history import History

STEPS, EPOCHS = 80, 6
FROZEN = "last layer, others frozen"


def network() -> nn.Sequential:
    """A body that sees shapes and a head that names them: ten scores per picture."""
    body = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.GroupNorm(4, 16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.GroupNorm(4, 32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )
    return nn.Sequential(body, nn.Linear(32 * 4 * 4, 10))


def step(model: nn.Module, optimizer: Any, pictures: Any, digits: Any) -> Any:
    """One step; returns the loss."""
    loss = nn.functional.cross_entropy(model(pictures), digits)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def outlines(pictures: Any) -> Any:
    """Where a picture changes from one pixel to the next."""
    return (pictures - pictures.roll(1, -1)).abs()


def pretrained(pictures: Any, digits: Any, epochs: int) -> nn.Sequential:
    """A network that reads digits."""
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for x, y in batches(64, pictures, digits):
            step(model, optimizer, x, y)
    return model


def beginners(model: nn.Sequential) -> dict[str, nn.Sequential]:
    """Three networks for outlines: the known one with a frozen body, the same with nothing frozen, and a new one."""
    frozen = copy.deepcopy(model)
    frozen[0].requires_grad_(False)  # no gradients are computed for these, and no optimizer changes them
    return {"all layers": copy.deepcopy(model), FROZEN: frozen, "from nothing": network()}


def learn(model: nn.Sequential, few: tuple[Any, Any], test: tuple[Any, Any], steps: int) -> History:
    """Learn from a few pictures; the accuracy on the others after each step."""
    history = History()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-3)
    for _ in range(steps):
        loss = step(model, optimizer, *few)
        with torch.no_grad():
            right = model(test[0]).argmax(dim=1) == test[1]
        history.log(loss=loss, accuracy=100 * right.float().mean())
    return history


def plot(histories: dict[str, History], count: int, path: Path) -> None:
    """Draw the accuracies by step."""
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    for name, history in histories.items():
        axes.plot(history["accuracy"].steps, history["accuracy"], label=f"{name}: {history['accuracy'][-1]:.1f} %")
    axes.set(title="Outlines of digits, learned from one picture of each", xlabel="step")
    axes.set(ylabel=f"accuracy in % on {count} others", ylim=(0, 100))
    axes.legend(loc="lower right")
    save_figure(figure, path)


if __name__ == "__main__":
    options = settings(__doc__)
    torch.manual_seed(0)
    train_x, train_y, test_x, test_y = digit_images()
    teacher = pretrained(train_x, train_y, 1 if options.short else EPOCHS)
    first = torch.stack([(train_y == digit).nonzero()[0, 0] for digit in range(10)])
    few, test = (outlines(train_x[first]), train_y[first]), (outlines(test_x), test_y)
    models = beginners(teacher)
    print(nn.summary(models[FROZEN], few[0], depth=2))
    found = {name: learn(model, few, test, 10 if options.short else STEPS) for name, model in models.items()}
    body, known = models[FROZEN][0].state_dict(), teacher[0].state_dict()
    print("frozen layers unchanged:", all(bool((body[name] == known[name]).all()) for name in known))
    plot(found, len(test_y), options.out / "finetune_digits.png")
    for name, history in found.items():
        print(f"{name}: {history['accuracy'][-1]:.1f} %")
