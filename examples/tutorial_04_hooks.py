"""Looking into the backward pass and changing it: hooks, operations of your own, detach, retain_grad.

python examples/tutorial_04_hooks.py [--out out]
"""

from common import heading, out_folder

import wengert as torch


def inputs():
    """Two small vectors to differentiate with respect to."""
    a = torch.tensor((1.0, 2.0, 3.0), requires_grad=True)
    b = torch.tensor((2.0, 4.0, 6.0), requires_grad=True)
    return a, b


def twice_through_a_graph() -> None:
    """A backward pass frees what the forward pass kept for it."""
    heading("Through the same graph twice")
    a, b = inputs()
    total = ((a * b) ** 2).sum()
    total.backward(retain_graph=True)  # keep the values for one more pass
    print("first pass: ", a.grad)
    total.backward()
    print("second pass:", a.grad, "- gradients add up")
    try:
        total.backward()
    except RuntimeError as error:
        print("third pass: ", str(error).split("(")[0].strip(), "...")


def watching() -> None:
    """A hook sees the gradient of a tensor on its way, and may return another one."""
    heading("A hook on a result")
    a, b = inputs()
    squares = (a * b) ** 2

    def flip(grad):
        print("the hook sees", grad, "and passes on its negative")
        return -grad

    handle = squares.register_hook(flip)
    squares.sum().backward(retain_graph=True)
    print("so the gradient of a is", a.grad)
    handle.remove()
    a.grad = None
    squares.sum().backward()
    print("and without the hook   ", a.grad)


class Clip(torch.autograd.Function):
    """Limits values to [-1, 1] but lets the gradient through as if it had not: a straight-through estimator.

    forward() computes; backward() gets the gradient of the result and returns one gradient per input. autograd believes
    what it returns, so a trick such as this one, or a mistake, goes straight into the result.
    """

    @staticmethod
    def forward(ctx, x):
        """The limited values."""
        ctx.save_for_backward(x)  # shown here; a true clip would look at x to stop the gradient outside of [-1, 1]
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, grad_output):
        """The gradient, unchanged."""
        (x,) = ctx.saved_tensors
        print(f"backward of Clip: {(x.abs() > 1).sum().item()} values lie outside, their gradient passes all the same")
        return grad_output


def own_operation() -> None:
    """Teach autograd an operation it does not know."""
    heading("An operation of your own")
    x = torch.tensor([-3.0, 0.5, 2.0], requires_grad=True)
    clipped = Clip.apply(x)
    print("clipped:", clipped)
    (clipped * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    print("straight-through gradient:", x.grad)


def cutting() -> None:
    """detach() cuts the graph: nothing behind the cut gets a gradient."""
    heading("Cutting the graph")
    a, b = inputs()
    product = (a * b).detach()
    print("after detach():", product.requires_grad, product.grad_fn)
    try:
        product.sum().backward()
    except RuntimeError as error:
        print("backward() then says:", str(error).splitlines()[0])


def keeping() -> None:
    """Results drop their gradients, unless you ask them to keep them."""
    heading("The gradient of something in between")
    a, b = inputs()
    product = a * b
    product.retain_grad()
    (product**2).sum().backward()
    print("d total / d product =", product.grad)


def writing_in_place() -> None:
    """Under no_grad() you may write into tensors, and the records stay as they are."""
    heading("Writing into a tensor")
    a, b = inputs()
    squares = (a * b) ** 2
    with torch.no_grad():
        squares.mul_(2)  # the trailing underscore: in place. Nobody records it.
    print("still made by", type(squares.grad_fn).__name__, "- though its values are now", squares.detach())
    # Values that a gradient formula needs are protected: exp keeps its result, and notices that it was overwritten.
    grown = torch.exp(a)
    with torch.no_grad():
        grown.mul_(2)
    try:
        grown.sum().backward()
    except RuntimeError as error:
        print("exp notices:", str(error).split(":")[0])


if __name__ == "__main__":
    out_folder(__doc__)
    twice_through_a_graph()
    watching()
    own_operation()
    cutting()
    keeping()
    writing_in_place()
