"""Define by run: graphs built anew each time, frozen parts, and gradients inside other expressions.

python examples/tutorial_05_graphs.py [--out out]
"""

from pathlib import Path

from common import heading, out_folder, plt, save_figure, save_graph

import wengert as torch


def a_layer(out: Path) -> None:
    """The gradients of a linear layer, with autograd.grad instead of .grad."""
    heading("One linear layer, three gradients")
    torch.manual_seed(0)
    x = torch.randn(5, 3, requires_grad=True)
    w = torch.randn(3, 10, requires_grad=True)
    b = torch.randn(10, requires_grad=True)
    result = torch.matmul(x, w) + b
    save_graph(result, out / "layer.dot", x=x, w=w, b=b)
    # autograd.grad returns the gradients and leaves .grad alone.
    dx, dw, db = torch.autograd.grad(result, [x, w, b], grad_outputs=torch.ones(5, 10))
    print("every row of d/dx holds the row sums of w:", dx[0], "=", w.sum(dim=1).detach())
    print("every column of d/dw the column sums of x:", dw[:, 0], "=", x.sum(dim=0).detach())
    print("and b is used in 5 rows:                  ", db)


def freed_graphs() -> None:
    """A second pass through a freed graph is an error, and a half-finished pass leaves its traces."""
    heading("A graph is good for one backward pass")
    x = torch.randn(2, 3, requires_grad=True)
    w = torch.randn(3, 2, requires_grad=True)
    product = torch.mm(x, w)
    product.sum().backward()
    before = x.grad.clone()
    try:
        (product**3).sum().backward()
    except RuntimeError as error:
        print(str(error).split("(")[0].strip(), "...")
    print("x.grad is as it was:", torch.equal(before, x.grad))


def frozen_parts() -> None:
    """A part that needs no gradient costs none."""
    heading("A frozen part")
    pretrained, scale = torch.randn(3, 5), torch.randn(3, 5, requires_grad=True)
    features = torch.tanh(pretrained * 2)  # no input requires a gradient: nothing is recorded
    print("frozen part recorded:", features.requires_grad, "- whole expression:", (features * scale).requires_grad)
    x, z = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)
    ((x * 2).detach() + z**2).backward(torch.ones(3))
    print("behind detach():", x.grad, "- beside it:", torch.equal(z.grad, 2 * z.detach()), "(2 z)")


def gradient_in_a_loss() -> None:
    """create_graph=True makes a gradient part of the next expression."""
    heading("A gradient inside a loss")
    x, y = torch.randn(5, 3), torch.randn(3, 5)
    z = torch.randn(5, 5, requires_grad=True)
    result = torch.mm(x, y) + z**2
    (slope,) = torch.autograd.grad(result, z, grad_outputs=torch.ones(5, 5), create_graph=True)  # 2 z
    (both,) = torch.autograd.grad(result**3 + slope, z, grad_outputs=torch.ones(5, 5))
    by_hand = 3 * result**2 * 2 * z + 2
    print("largest difference to the formula 3 o^2 2 z + 2:", (both - by_hand).abs().max().item())


def newton_steps(start: float, count: int) -> list[float]:
    """Newton's method for the minimum of a polynomial: each step divides the slope by the curvature."""
    x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    path = [x.item()]
    for _ in range(count):
        value = landscape(x)  # a new graph in every iteration
        (slope,) = torch.autograd.grad(value, x, create_graph=True)
        (curvature,) = torch.autograd.grad(slope, x)
        with torch.no_grad():
            x -= slope / curvature
        path.append(x.item())
    return path


def landscape(x):
    """The function to minimise."""
    return 0.1 * x**4 - 0.5 * x**2 + 0.4 * x


def plot_newton(path: Path) -> Path:
    """Draw the steps of Newton's method."""
    steps = newton_steps(-3.3, 6)
    line = torch.linspace(-3.5, 2.6, 300, dtype=torch.float64)
    figure, axes = plt.subplots(figsize=(7.5, 4.2))
    axes.plot(line.numpy(), landscape(line).numpy(), label="f(x) = 0.1 x$^4$ $-$ 0.5 x$^2$ + 0.4 x")
    heights = [float(landscape(step)) for step in steps]
    axes.plot(steps, heights, "o--", linewidth=1, markersize=6, label="Newton's method")
    for number in range(2):
        axes.annotate(f"step {number}", (steps[number], heights[number]), (8, 4), textcoords="offset points")
    axes.set(title="Slope and curvature from one recorded expression", xlabel="x", ylabel="f(x)")
    axes.legend(loc="upper center")
    return save_figure(figure, path)


if __name__ == "__main__":
    folder = out_folder(__doc__)
    a_layer(folder)
    freed_graphs()
    frozen_parts()
    gradient_in_a_loss()
    heading("Newton's method")
    print("x:", " ".join(f"{step:.6f}" for step in newton_steps(-3.3, 6)))
    plot_newton(folder / "newton.png")
