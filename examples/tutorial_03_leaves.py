"""Leaves and results: who has a .grad, who has a .grad_fn, and why gradients add up.

python examples/tutorial_03_leaves.py [--out out]
"""

from pathlib import Path

import numpy as np
from common import heading, out_folder, save_graph

import wengert as torch


def from_numpy() -> None:
    """Tensors and NumPy arrays can share their memory."""
    heading("From NumPy and back")
    array = np.array([1.0, 2.0, 3.0])
    x = torch.from_numpy(array)
    array[0] = 10.0  # the tensor sees it: one memory, two views
    print("the tensor follows the array:", x)
    x.requires_grad_(True)  # the underscore says: in place, x itself changes
    print("and can be tracked:          ", x)
    try:
        torch.tensor([1, 2, 3], requires_grad=True)
    except RuntimeError as error:  # a derivative needs small steps, and whole numbers have none
        print("whole numbers cannot:        ", str(error).splitlines()[0])


def leaves_and_results(out: Path) -> None:
    """Leaves are where gradients arrive; results are where they pass through."""
    heading("Leaves and results")
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    z = y * y * 3
    mean = z.mean()
    for name, tensor in {"x": x, "y": y, "z": z, "mean": mean}.items():
        maker = type(tensor.grad_fn).__name__ if tensor.grad_fn is not None else "you"
        print(f"{name:>4}: leaf {tensor.is_leaf!s:<5}  requires grad {tensor.requires_grad}  made by {maker}")
    save_graph(mean, out / "leaves.dot", x=x)
    mean.backward()
    print("the gradient arrives in the leaf x:", x.grad)


def adding_up() -> None:
    """backward() adds to .grad; it never overwrites."""
    heading("Gradients add up")
    x = torch.ones(2, 2, requires_grad=True)
    y = x + 2
    for _ in range(3):
        # A sum keeps nothing for its backward pass, so its graph can be used again. (One that does keep values frees
        # them on the first pass: then say retain_graph=True, or compute the result anew.)
        y.backward(torch.full((2, 2), 0.5))
        print(x.grad[0])
    # That is useful: the parts of a sum, or several mini-batches, can be handled one by one. It is also the classic
    # mistake of training loops. Start each step with an empty .grad:
    x.grad = None
    y.backward(torch.full((2, 2), 0.5))
    print("after a fresh start:", x.grad[0])


if __name__ == "__main__":
    folder = out_folder(__doc__)
    from_numpy()
    leaves_and_results(folder)
    adding_up()
