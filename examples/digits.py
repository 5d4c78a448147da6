"""Read handwritten digits: a small network of plain tensors, trained with Adam written out by hand.

    python examples/digits.py [--out out] [--epochs 30]

The data are 1,797 real digits of 8 x 8 pixels that come with scikit-learn. A fifth of them is held out: the network
never sees those while it learns, and is judged by them alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from common import COLOURS, parser, plt, save_figure
from sklearn.datasets import load_digits

import wengert as torch

try:
    from tqdm import tqdm
except ImportError:  # no progress bar then
    tqdm = None

PIXELS, HIDDEN, CLASSES = 64, 128, 10
BATCH = 64


@dataclass
class Split:
    """Pictures (n, 64) with values from 0 to 1, and which digits they show (n)."""

    pictures: torch.Tensor
    digits: torch.Tensor


@dataclass
class History:
    """What happened in each epoch."""

    loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)


def load(seed: int = 0) -> tuple[Split, Split]:
    """The digits, shuffled and split: four fifths to learn from, one fifth to test with."""
    data = load_digits()
    order = np.random.RandomState(seed).permutation(len(data.target))
    pictures = torch.tensor(data.data[order] / 16.0, dtype=torch.float32)
    digits = torch.tensor(data.target[order])
    cut = len(order) * 4 // 5
    return Split(pictures[:cut], digits[:cut]), Split(pictures[cut:], digits[cut:])


def new_network() -> list[torch.Tensor]:
    """Two layers of weights and biases. Random weights of the right size keep the signal from fading or exploding."""
    weights = [
        torch.randn(PIXELS, HIDDEN) * (2 / PIXELS) ** 0.5,
        torch.zeros(HIDDEN),
        torch.randn(HIDDEN, CLASSES) * (2 / HIDDEN) ** 0.5,
        torch.zeros(CLASSES),
    ]
    return [weight.requires_grad_(True) for weight in weights]


def scores(network: list[torch.Tensor], pictures: torch.Tensor) -> torch.Tensor:
    """One score per digit: the higher, the more the network believes in it."""
    w1, b1, w2, b2 = network
    return torch.relu(pictures @ w1 + b1) @ w2 + b2


def cross_entropy(predicted: torch.Tensor, digits: torch.Tensor) -> torch.Tensor:
    """How surprised the network is by the right answers: the mean of -log(probability it gave to them)."""
    right = predicted[torch.arange(len(digits)), digits]
    return (torch.logsumexp(predicted, dim=1) - right).mean()


class Adam:
    """Each weight moves by its average gradient divided by its usual size, so that all move at a similar pace."""

    def __init__(self, parameters: list[torch.Tensor], lr: float = 3e-3, keep: float = 0.9, keep_size: float = 0.999):
        self.parameters, self.lr, self.keep, self.keep_size = parameters, lr, keep, keep_size
        self.means = [torch.zeros_like(p) for p in parameters]
        self.sizes = [torch.zeros_like(p) for p in parameters]
        self.steps = 0

    def step(self) -> None:
        """Use the gradients in .grad, then empty them: backward() adds to what it finds."""
        self.steps += 1
        # Both averages start at 0; dividing by these makes up for it in the first steps.
        fresh, fresh_size = 1 - self.keep**self.steps, 1 - self.keep_size**self.steps
        with torch.no_grad():  # an update is not part of the expression to differentiate
            for p, mean, size in zip(self.parameters, self.means, self.sizes, strict=True):
                mean.mul_(self.keep).add_(p.grad, alpha=1 - self.keep)
                size.mul_(self.keep_size).addcmul_(p.grad, p.grad, value=1 - self.keep_size)
                p.sub_(self.lr * (mean / fresh) / ((size / fresh_size).sqrt() + 1e-8))
                p.grad = None


def accuracy(network: list[torch.Tensor], split: Split) -> float:
    """The share of pictures whose highest score belongs to the right digit."""
    with torch.no_grad():
        return (scores(network, split.pictures).argmax(dim=1) == split.digits).float().mean().item()


def batches(split: Split) -> Iterator[Split]:
    """All pictures in a new random order, a few at a time."""
    order = torch.randperm(len(split.digits))
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        yield Split(split.pictures[chosen], split.digits[chosen])


def train(train_split: Split, test_split: Split, epochs: int) -> tuple[list[torch.Tensor], History]:
    """Learn: guess, measure the surprise, walk back through the graph, adjust, repeat."""
    torch.manual_seed(0)
    network = new_network()
    optimiser = Adam(network)
    history = History()
    epoch_numbers = range(1, epochs + 1) if tqdm is None else tqdm(range(1, epochs + 1), desc="learning", unit="epoch")
    for epoch in epoch_numbers:
        total = 0.0
        for batch in batches(train_split):
            loss = cross_entropy(scores(network, batch.pictures), batch.digits)
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch.digits)
        history.loss.append(total / len(train_split.digits))
        history.train_accuracy.append(accuracy(network, train_split))
        history.test_accuracy.append(accuracy(network, test_split))
        if tqdm is None:
            print(f"epoch {epoch:2}: loss {history.loss[-1]:.4f}, test accuracy {history.test_accuracy[-1]:.1%}")
        else:
            epoch_numbers.set_postfix_str(f"loss {history.loss[-1]:.4f}, test {history.test_accuracy[-1]:.1%}")
    return network, history


def plot_history(history: History, path: Path) -> Path:
    """Plot loss and accuracy by epoch."""
    epochs = range(1, len(history.loss) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
    left.semilogy(epochs, history.loss)
    left.set(title="Surprise at the right answers", xlabel="epoch", ylabel="cross-entropy")
    right.plot(epochs, [100 * value for value in history.train_accuracy], color=COLOURS[0], label="seen while learning")
    right.plot(epochs, [100 * value for value in history.test_accuracy], color=COLOURS[1], label="held out")
    right.set(title=f"{history.test_accuracy[-1]:.1%} of held-out digits read", xlabel="epoch", ylabel="accuracy in %")
    right.legend(loc="lower right")
    return save_figure(figure, path)


def plot_predictions(network: list[torch.Tensor], split: Split, path: Path, columns: int = 10, rows: int = 5) -> Path:
    """Show held-out digits and what the network reads; its mistakes come last, in red."""
    with torch.no_grad():
        read = scores(network, split.pictures).argmax(dim=1)
    wrong = [index for index in range(len(split.digits)) if read[index] != split.digits[index]]
    right = [index for index in range(len(split.digits)) if read[index] == split.digits[index]]
    shown_wrong = wrong[:columns]
    chosen = right[: rows * columns - len(shown_wrong)] + shown_wrong
    figure, grid = plt.subplots(rows, columns, figsize=(columns * 0.85, rows * 1.05), constrained_layout=True)
    figure.suptitle(
        f"Held-out digits and what was read ({len(wrong)} of {len(read)} wrong)", x=0.01, ha="left", weight="bold"
    )
    for axes, index in zip(grid.flat, chosen, strict=False):
        axes.imshow(split.pictures[index].reshape(8, 8).numpy(), cmap="Blues")
        mistake = index in shown_wrong
        label = f"{read[index].item()}, is {split.digits[index].item()}" if mistake else str(read[index].item())
        axes.set_title(label, loc="center", fontsize=9, color="#c0392b" if mistake else "#22303c", pad=2)
    for axes in grid.flat:
        axes.set_axis_off()
    return save_figure(figure, path)


def main(out: Path, epochs: int) -> tuple[float, float, list[Path]]:
    """Train, draw, and report: accuracy on the held-out digits, seconds of training, pictures."""
    train_split, test_split = load()
    print(f"{len(train_split.digits)} digits to learn from, {len(test_split.digits)} held out")
    start = time.perf_counter()
    network, history = train(train_split, test_split, epochs)
    seconds = time.perf_counter() - start
    print(f"accuracy on held-out digits: {history.test_accuracy[-1]:.1%} after {seconds:.1f} seconds")
    files = [plot_history(history, out / "digits.png")]
    files.append(plot_predictions(network, test_split, out / "digits_predictions.png"))
    return history.test_accuracy[-1], seconds, files


if __name__ == "__main__":
    command_line = parser(__doc__)
    command_line.add_argument("--epochs", type=int, default=30, help="rounds through the training digits (default: 30)")
    options = command_line.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    main(options.out, options.epochs)
