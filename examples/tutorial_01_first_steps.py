"""First steps: record an expression, ask for its gradient, then for gradients of gradients.

    python examples/tutorial_01_first_steps.py [--out out]

Prints as it goes; leaves the graph of one expression and a plot of tanh and its first three derivatives in the folder.
"""

from pathlib import Path

import numpy as np
from common import heading, out_folder, plt, save_figure, save_graph

import wengert as torch


def tracking(out: Path) -> None:
    """What a tensor remembers, and the gradient of a mean."""
    heading("A tensor that watches what you do with it")
    # requires_grad=True says: I will want derivatives with respect to x. From here on every operation is recorded.
    x = torch.ones(2, 2, requires_grad=True)
    print("x =", x)
    # The result of an operation knows which operation made it. That is its grad_fn.
    y = x + 2
    print("y =", y)
    print("y was made by", type(y.grad_fn).__name__, "- and x, which you made yourself, by", x.grad_fn)
    mean = (y * y * 3).mean()
    print("the mean of 3 y^2 =", mean)
    save_graph(mean, out / "first_graph.dot", x=x)

    heading("Its gradient")
    # mean = 1/4 * sum of 3 (x + 2)^2, so its derivative with respect to each x is 3/2 * (x + 2) = 4.5.
    mean.backward()
    print("d mean / dx =", x.grad)


def following_the_program() -> None:
    """Whatever Python runs is what gets differentiated: loops and branches included."""
    heading("What you run is what you differentiate")
    torch.manual_seed(0)
    x = torch.randn(3, requires_grad=True)
    y = x * 2
    doublings = 1
    while y.norm() < 1000:  # how often this loop runs depends on the numbers in x
        y = y * 2
        doublings += 1
    y.norm().backward()
    # y = 2^k x, so the gradient of its length is 2^k times the direction of x, and 2^k long.
    print(f"{doublings} doublings; the gradient of the length is {x.grad.norm().item():.1f} = 2^{doublings} long")

    # Inside no_grad() nothing is recorded: cheaper, and right for code that only uses a finished model.
    with torch.no_grad():
        print("inside no_grad, does x**2 require a gradient?", (x**2).requires_grad)


def choosing_an_entry() -> None:
    """backward() of a matrix takes weights for its entries."""
    heading("The gradient of one entry of a matrix product")
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    # A 1 at the top left and 0 elsewhere picks the entry [0, 0] of the product. It is row 0 of a times column 0 of a,
    # so a[1, 1] plays no part in it: its derivative is 0.
    torch.mm(a, a).backward(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    print(a.grad)


def higher_derivatives() -> None:
    """A gradient is an expression too, if you ask for one with create_graph=True."""
    heading("The gradient of a gradient")
    x = torch.tensor(2.0, requires_grad=True)
    (slope,) = torch.autograd.grad(x**3, x, create_graph=True)
    print("x^3 has the slope", slope)  # 3 x^2 = 12, and it has a grad_fn of its own
    slope.backward()
    print("and the slope has the slope", x.grad)  # 6 x = 12


def tanh_derivatives(points: np.ndarray, order: int) -> list[np.ndarray]:
    """tanh and its derivatives up to an order, at many points at once."""
    x = torch.tensor(points, requires_grad=True)
    curves = [torch.tanh(x)]
    for _ in range(order):
        # Each value depends on its own point only, so the gradient of the sum holds all the derivatives side by side.
        curves += torch.autograd.grad(curves[-1].sum(), x, create_graph=True)
    return [curve.detach().numpy() for curve in curves]


def plot_tanh(path: Path) -> Path:
    """Plot tanh and its first three derivatives."""
    points = np.linspace(-4, 4, 400)
    figure, axes = plt.subplots(figsize=(7.5, 4.2))
    labels = ["tanh x", "first derivative", "second derivative", "third derivative"]
    for curve, label in zip(tanh_derivatives(points, 3), labels, strict=True):
        axes.plot(points, curve, label=label)
    axes.axhline(0, color="#b8c1c8", linewidth=1, zorder=0)
    axes.set(title="tanh and its first three derivatives", xlabel="x", xlim=(-4, 4))
    axes.legend(loc="lower right")
    return save_figure(figure, path)


if __name__ == "__main__":
    folder = out_folder(__doc__)
    tracking(folder)
    following_the_program()
    choosing_an_entry()
    higher_derivatives()
    heading("Three derivatives of tanh")
    plot_tanh(folder / "tanh.png")
