"""A variational autoencoder lays handwritten digits out on a plane, and draws new ones from it.

    python examples/vae_digits.py [--out out] [--short]      (about ten seconds)

The encoder tells for each picture where on the plane it lies and how uncertain that is; the decoder draws a picture for
a point. What is minimised is the negative evidence lower bound: the surprise at the pixels plus the divergence of the
encoder's normal distribution from the standard one. The random point is mean + deviation * noise, so that the gradient
flows through mean and deviation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from common import batches, digit_images, plt, save_figure, settings, show_pictures

import wengert as torch
from wengert import nn
from wengert.history import History

HIDDEN, PLANE, BATCH, EPOCHS = 256, 2, 64, 90


class Autoencoder(nn.Module):
    """From a picture to a normal distribution on the plane, and from a point to a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(64, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 4)
        )
        self.decoder = nn.Sequential(
            nn.Linear(PLANE, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 64)
        )

    def encode(self, pictures: Any) -> tuple[Any, Any]:
        """Mean and logarithm of the variance, both (n, 2)."""
        mean, log_variance = self.encoder(pictures).chunk(2, dim=1)
        return mean, log_variance

    def forward(self, pictures: Any) -> tuple[Any, Any]:
        """Surprise at the pixels and divergence from the standard normal distribution, means over the pictures."""
        mean, log_variance = self.encode(pictures)
        point = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        surprise = nn.functional.binary_cross_entropy_with_logits(
            self.decoder(point), pictures.flatten(1), reduction="none"
        )
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
        return surprise.sum(dim=1).mean(), divergence.sum(dim=1).mean()

    def draw(self, points: Any) -> Any:
        """Pictures (n, 1, 8, 8) for points (n, 2)."""
        return self.decoder(points).sigmoid().reshape(-1, 1, 8, 8)


def train(pictures: Any, epochs: int, history: History) -> Autoencoder:
    """The autoencoder after some epochs."""
    torch.manual_seed(0)
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    for _ in range(epochs):
        for x in batches(BATCH, pictures):
            surprise, divergence = model(x)
            optimizer.zero_grad()
            (surprise + divergence).backward()
            optimizer.step()
            history.log(surprise=surprise, divergence=divergence)
        schedule.step()
    return model.eval()


def plot(model: Autoencoder, pictures: Any, digits: Any, path: Path, side: int = 15) -> None:
    """Draw where held-out digits lie on the plane, and what the decoder draws at the points of a grid."""
    with torch.no_grad():
        where = model.encode(pictures)[0].numpy()
        line = torch.linspace(-2.2, 2.2, side)
        down, right = torch.meshgrid(line.flip(0), line, indexing="ij")
        drawn = model.draw(torch.stack([right.flatten(), down.flatten()], dim=1))
    figure, (left_axes, right_axes) = plt.subplots(1, 2, figsize=(10.5, 5), layout="constrained")
    colours = plt.get_cmap("tab10")
    for digit in range(10):
        points = where[digits.numpy() == digit]
        left_axes.scatter(*points.T, s=10, color=colours(digit), alpha=0.6, linewidth=0)
        label = {"boxstyle": "circle,pad=0.2", "facecolor": colours(digit), "edgecolor": "white"}
        middle = np.median(points, axis=0)
        left_axes.annotate(str(digit), middle, color="white", weight="bold", ha="center", va="center", bbox=label)
    left_axes.set(title="Where held-out digits lie", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal")
    show_pictures(right_axes, drawn, side, "What is drawn at each point")
    save_figure(figure, path)


if __name__ == "__main__":
    options = settings(__doc__)
    train_x, _, test_x, test_y = digit_images()
    record = History()
    vae = train(train_x, 3 if options.short else EPOCHS, record)
    with torch.no_grad():
        bound = sum(part.item() for part in vae(test_x))
    plot(vae, test_x, test_y, options.out / "vae_digits.png")
    print(f"{record.step} steps; evidence lower bound of held-out digits: {-bound:.2f} nats each")
