"""What backward(v) computes: the product of v with the Jacobian, without ever building the Jacobian.

python examples/tutorial_02_products.py [--out out]
"""

from pathlib import Path

from common import heading, out_folder, plt, save_figure

import wengert as torch


def jacobian_of(function, point):
    """The matrix of all derivatives of a vector-valued function, one row per backward pass."""
    x = point.detach().requires_grad_(True)
    y = function(x)
    rows = []
    for index in range(len(y)):
        unit = torch.zeros(len(y))
        unit[index] = 1.0
        # Row i of the Jacobian is what the i-th unit vector picks. The graph serves several times: retain_graph.
        rows += torch.autograd.grad(y, x, grad_outputs=unit, retain_graph=True)
    return torch.stack(rows)


def doubling() -> None:
    """A vector has no gradient until you say how much each of its entries counts."""
    heading("A vector needs weights")
    x = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    y = x * 2
    while y.norm() < 1000:
        y = y * 2
    print("y =", y)
    weights = torch.tensor([0.1, 1.0, 0.0001])
    y.backward(weights)
    print("gradient of the weighted sum of y:", x.grad)  # the weights times a power of two


def vector_times_jacobian() -> None:
    """One backward pass equals vector times matrix."""
    heading("backward(v) is v times the Jacobian")
    point = torch.tensor([0.3, -0.7, 1.1])

    def swirl(x):
        return torch.stack([x[0] * x[1], torch.sin(x[2]), x.exp().sum()])

    v = torch.tensor([1.0, -2.0, 0.5])
    x = point.clone().requires_grad_(True)
    swirl(x).backward(v)
    print("backward(v):     ", x.grad)
    print("v times Jacobian:", v @ jacobian_of(swirl, point))


def chain_rule() -> None:
    """Why v: it is the gradient that arrives from further down the line."""
    heading("v is the gradient of what comes next")
    x = torch.tensor([0.2, 0.4], requires_grad=True)
    y = x**2
    loss = (3 * y).sum()
    (v,) = torch.autograd.grad(loss, y, retain_graph=True)  # d loss / dy, the first half of the way
    (rest,) = torch.autograd.grad(y, x, grad_outputs=v, retain_graph=True)  # the second half
    (whole,) = torch.autograd.grad(loss, x)
    print("in two steps:", rest)
    print("in one step: ", whole)


def ways_out() -> None:
    """no_grad() and detach() stop the recording."""
    heading("Leaving the graph")
    x = torch.randn(3, requires_grad=True)
    copy = x.detach()  # same numbers, same memory, no history
    print("x requires a gradient:", x.requires_grad, "- its detached twin:", copy.requires_grad)
    print("are they equal?", x.eq(copy).all())


def height(x, y):
    """A landscape with hills and valleys."""
    return torch.sin(1.5 * x) * torch.cos(1.2 * y) * torch.exp(-0.15 * (x**2 + y**2))


def grid(count):
    """The coordinates of a square grid of points."""
    line = torch.linspace(-2.2, 2.2, count)
    return line.repeat(count, 1), line.reshape(-1, 1).repeat(1, count)


def plot_field(path: Path) -> Path:
    """Draw the gradient field of a landscape: one backward pass gives all arrows."""
    figure, axes = plt.subplots(figsize=(6.4, 5.2))
    x, y = grid(160)
    filled = axes.contourf(x.numpy(), y.numpy(), height(x, y).numpy(), levels=18, cmap="YlGnBu", alpha=0.85)
    figure.colorbar(filled, label="height")

    x, y = grid(19)
    x.requires_grad_(True)
    y.requires_grad_(True)
    heights = height(x, y)
    heights.backward(torch.ones_like(heights))  # a weight of 1 for every point of the grid
    arrows = (x.detach().numpy(), y.detach().numpy(), x.grad.numpy(), y.grad.numpy())
    axes.quiver(*arrows, color="#22303c", width=0.0035, pivot="mid")
    axes.set(title="Every arrow points uphill", xlabel="x", ylabel="y", aspect="equal")
    axes.grid(visible=False)
    return save_figure(figure, path)


if __name__ == "__main__":
    folder = out_folder(__doc__)
    doubling()
    vector_times_jacobian()
    chain_rule()
    ways_out()
    heading("A field of gradients")
    plot_field(folder / "gradient_field.png")
