"""Template of operators whose result shares memory with their input: permutations, slices, expansions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import views
from .._core.compat import mypyc_attr
from .._core.dtypes import Size, dtype, intern_size, size_of
from .._core.graph import Node
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase, bump, gradient_edge, memory, replace_array, requires_grad, version_of
from .._core.views import DEFAULT, MULTI_OUTPUT, NO_GRAD, set_view

if TYPE_CHECKING:
    from .._tensor import Tensor


@mypyc_attr(allow_interpreted_subclasses=True)
class View(Node):
    """Base of the nodes of views. A subclass states how the array is viewed and where its gradient goes.

    A view is linear, so its tangent is the same view of the tangent. ``shape`` is the shape of the input.
    """

    shape: Size = intern_size(())

    def forward(self, x: Any) -> Any:
        """The view of an array: the same memory."""
        raise NotImplementedError

    def grad_self(self, grad: Tensor) -> Tensor:
        """Gradient of the input, which has shape ``self.shape``."""
        raise NotImplementedError

    def again(self) -> View:
        """A new node with the same parameters."""
        raise NotImplementedError

    def out_dtype(self, dt: dtype) -> dtype:
        """Dtype of the view of a tensor of dtype ``dt``."""
        return dt

    def take(self, t: TensorBase) -> Tensor:
        """The same view of another tensor."""
        return view(self.again(), t)

    def vjp(self, grad: TensorBase) -> tuple[TensorBase | None, TensorBase | None]:
        """Apply ``grad_self``."""
        return self.grad_self(grad), None  # type: ignore[arg-type]

    def parameters(self) -> dict[str, Any]:
        """Saved values, by PyTorch's names."""
        return {}

    def saved_names(self) -> list[str]:
        """Names of the parameters."""
        return list(self.parameters())

    def plain_names(self) -> list[str]:
        """None of them is a tensor."""
        return list(self.parameters())

    def saved_value(self, name: str) -> Any:
        """A parameter."""
        return self.parameters()[name]


def view(op: View, x: TensorBase) -> Tensor:
    """Apply a view operator and record the call."""
    array = op.forward(memory(x))
    op.shape = x.shp
    out = _tensor.Tensor(array, op.out_dtype(x.dt), size_of(array))
    finish(op, x, out)
    return out


def finish(op: View, x: TensorBase, out: TensorBase) -> None:
    """Tie the view to its base; node and tangent."""
    if not is_grad_enabled():
        set_view(out, x, NO_GRAD, op)
    else:
        set_view(out, x, DEFAULT, op)
        if requires_grad(x):
            node_for(op, x)
            out.rg = True
            out.fn = op
    if MODES.dual_level >= 0:
        forward_mode(op, x, out)


def node_for(op: Node, x: TensorBase) -> None:
    """Connect a view's node to its input."""
    op.next0 = gradient_edge(x)
    op.nr0 = x.nr
    op.stamp()


def forward_mode(op: View, x: TensorBase, out: TensorBase) -> None:
    """The tangent of a view is the view of the tangent, so that writes through either stay together."""
    tangent = forward.tangent_of(x)
    if tangent is not None:
        level = forward.suspend()
        try:
            try:
                viewed = view(op.again(), tangent)
            except RuntimeError:  # laid out in another way than the value, whose strides allowed the view
                tangent = forward.same_layout(x, tangent)
                forward.set_tangent(x, tangent)
                viewed = view(op.again(), tangent)
            forward.set_tangent(out, viewed)
        finally:
            forward.resume(level)


def view_metadata_(op: View, x: TensorBase) -> Tensor:
    """Give ``x`` itself another geometry (``t_``, ``squeeze_``): recorded with the operator's node, no data moves."""
    record = views.check_inplace(x, requires_grad(x))
    array = op.forward(memory(x))
    op.shape = x.shp
    if record:
        node_for(op, x)
    replace_array(x, array)
    bump(x)
    if record:
        if x.view_of is not None:
            x.view_of.version = version_of(x)
        x.fn = op
        x.nr = 0
    if MODES.dual_level >= 0:
        forward_mode(op, x, x)
    return x  # type: ignore[return-value]


@mypyc_attr(allow_interpreted_subclasses=True)
class MultiView(Node):
    """Base of the nodes of calls that return several views. ``shape`` and ``dt`` are those of the input."""

    shape: Size = intern_size(())
    dt: dtype
    outputs: int = 0

    def forward(self, x: Any) -> list[Any]:
        """The views of an array."""
        raise NotImplementedError

    def backward(self, grads: list[Tensor | None]) -> Tensor:
        """Gradient of the input from those of the views (None counts as zero)."""
        raise NotImplementedError

    def again(self) -> MultiView:
        """A new node with the same parameters."""
        raise NotImplementedError

    def output_count(self) -> int:
        """Number of views."""
        return self.outputs

    def parameters(self) -> dict[str, Any]:
        """Saved values, by PyTorch's names."""
        return {}

    def saved_names(self) -> list[str]:
        """Names of the parameters."""
        return list(self.parameters())

    def plain_names(self) -> list[str]:
        """None of them is a tensor."""
        return list(self.parameters())

    def saved_value(self, name: str) -> Any:
        """A parameter."""
        return self.parameters()[name]

    def vjp_many(self, grads: list[TensorBase | None]) -> list[TensorBase | None]:
        """Apply ``backward`` unless nothing arrived at all."""
        for grad in grads:
            if grad is not None:
                return [self.backward(grads)]  # type: ignore[arg-type]
        return [None]


def multi_view(op: MultiView, x: TensorBase) -> list[Tensor]:
    """Several views made by one call: they may not be written to once history matters."""
    arrays = op.forward(memory(x))
    op.shape = x.shp
    op.dt = x.dt
    op.outputs = len(arrays)
    op.many = True
    outs: list[Tensor] = []
    enabled = is_grad_enabled()
    record = enabled and requires_grad(x)
    if record:
        node_for(op, x)
    for i, array in enumerate(arrays):
        out = _tensor.Tensor(array, x.dt, size_of(array))
        if record:
            out.rg = True
            out.fn = op
            out.nr = i
        set_view(out, x, MULTI_OUTPUT if enabled else NO_GRAD, None)
        outs.append(out)
    if MODES.dual_level >= 0:
        forward_modes(op, x, outs)
    return outs


def forward_modes(op: MultiView, x: TensorBase, outs: list[Tensor]) -> None:
    """Tangents of several views: the views of the tangent."""
    tangent = forward.tangent_of(x)
    if tangent is not None:
        level = forward.suspend()
        try:
            parts = multi_view(op.again(), tangent)
        finally:
            forward.resume(level)
        for out, part in zip(outs, parts, strict=True):
            forward.set_tangent(out, part)


from .. import _tensor  # noqa: E402
from . import forward  # noqa: E402
