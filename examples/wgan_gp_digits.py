"""A Wasserstein GAN with gradient penalty draws handwritten digits, each kind on demand.

    python examples/wgan_gp_digits.py [--out out] [--short]      (about a minute)

The same game as in examples/wgan_gp.py, with pictures instead of points: a generator draws, a critic scores, and the
critic's loss contains the length of its own gradient, so that its backward pass differentiates a derivative. Both are
told which digit is meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common import COLOURS, digit_images, plt, save_figure, settings, show_pictures

import wengert as torch
from wengert import nn
from wengert.history import History

NOISE, KINDS, PIXELS, BATCH = 24, 10, 64, 64
PENALTY, CRITIC_STEPS, STEPS, RATE = 2.0, 4, 1500, 1e-3


def network(inputs: int, outputs: int) -> nn.Sequential:
    """Three dense layers. SiLU is smooth: the penalty needs second derivatives that are not zero."""
    return nn.Sequential(nn.Linear(inputs, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU(), nn.Linear(256, outputs))


def generate(generator: nn.Module, kinds: Any) -> Any:
    """Pictures (n, 64) from 0 to 1 of the digits asked for, (n, 10)."""
    noise = torch.randn(len(kinds), NOISE)
    return generator(torch.cat([noise, kinds], dim=1)).sigmoid()


def judge(critic: nn.Module, pictures: Any, kinds: Any) -> Any:
    """How real the pictures look as pictures of these digits, (n, 1)."""
    return critic(torch.cat([pictures, kinds], dim=1))


def gradient_penalty(critic: nn.Module, pictures: Any, kinds: Any) -> Any:
    """How far the length of the critic's gradient is from 1, squared, on average over the pictures."""
    pictures = pictures.detach().requires_grad_(True)
    score = judge(critic, pictures, kinds).sum()
    # create_graph=True records the backward pass too: the slope is an expression that has a gradient itself.
    (slope,) = torch.autograd.grad(score, pictures, create_graph=True)
    return ((slope.norm(dim=1) - 1) ** 2).mean()


def train(pictures: Any, digits: Any, steps: int, history: History) -> nn.Module:
    """Let both learn in turns; the average of the generator over the last steps, which is steadier than itself."""
    torch.manual_seed(0)
    generator, critic = network(NOISE + KINDS, PIXELS), network(PIXELS + KINDS, 1)
    average = torch.optim.swa_utils.AveragedModel(
        generator, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    )
    optimizers = [torch.optim.Adam(part.parameters(), lr=RATE, betas=(0.5, 0.9)) for part in (critic, generator)]
    fall = [torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.05, total_iters=steps) for o in optimizers]
    pictures, kinds = pictures.flatten(1), nn.functional.one_hot(digits, KINDS).float()
    for _ in range(steps):
        for _ in range(CRITIC_STEPS):
            rows = torch.randint(0, len(pictures), (BATCH,))
            real, asked = pictures[rows], kinds[rows]
            with torch.no_grad():  # the generator does not learn here
                fake = generate(generator, asked)
            distance = judge(critic, real, asked).mean() - judge(critic, fake, asked).mean()
            mix = torch.rand(BATCH, 1)  # the penalty looks at pictures between real and generated ones
            penalty = gradient_penalty(critic, mix * real + (1 - mix) * fake, asked)
            optimizers[0].zero_grad()
            (PENALTY * penalty - distance).backward()
            optimizers[0].step()
        asked = kinds[torch.randint(0, len(kinds), (BATCH,))]
        critic.requires_grad_(False)  # it keeps still: no gradients of its parameters are computed
        optimizers[1].zero_grad()
        (-judge(critic, generate(generator, asked), asked).mean()).backward()
        critic.requires_grad_(True)
        optimizers[1].step()
        average.update_parameters(generator)
        for schedule in fall:
            schedule.step()
        history.log(distance=distance, penalty=penalty)
    return average.module


def plot(generator: nn.Module, pictures: Any, digits: Any, history: History, path: Path, rows: int = 8) -> None:
    """Draw real digits, generated ones and the distance the critic saw."""
    asked = torch.arange(10).repeat(rows)
    with torch.no_grad():
        fake = generate(generator, nn.functional.one_hot(asked, KINDS).float()).reshape(-1, 1, 8, 8)
    real = torch.cat([pictures[digits == kind][:rows] for kind in range(10)])
    real = real.reshape(10, rows, 1, 8, 8).transpose(0, 1).reshape(-1, 1, 8, 8)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    show_pictures(left, real, 10, "Real digits")
    show_pictures(middle, fake, 10, "Generated digits, 0 to 9")
    right.plot(history["distance"].steps, history["distance"], linewidth=0.8, color=COLOURS[0])
    right.set(title="Distance estimated by the critic", xlabel="step", ylim=(0, None))
    save_figure(figure, path)


if __name__ == "__main__":
    options = settings(__doc__)
    train_x, train_y, _, _ = digit_images()
    record = History()
    made = train(train_x, train_y, 15 if options.short else STEPS, record)
    plot(made, train_x, train_y, record, options.out / "wgan_gp_digits.png")
    print(f"{record.step} steps; estimated distance {record['distance'][-1]:.3f}, penalty {record['penalty'][-1]:.3f}")
