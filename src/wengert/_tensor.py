"""The class Tensor: an array that records what is done with it.

Operators as methods come from ``TensorMethods`` (generated from ``ops``); here are Python's operators, the graph's properties,
indexing, conversions to Python and NumPy, printing, copying.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ._core import errors, hooks, modes, views
from ._core.compat import mypyc_attr
from ._core.dtypes import DType, Size, dtype_of
from ._core.dynamic import bind_grad
from ._core.tensor_base import (
    TensorBase,
    check_can_require_grad,
    detached,
    memory,
    replace_array,
    requires_grad,
    version_of,
)
from ._gen.tensor_methods import TensorMethods
from .kernels import keep_spare_arrays
from .kernels.elders import old_from_birth

_ndarray: Any = np.ndarray
_generic: Any = np.generic
_int = int
_float = float
_bool = bool
_complex = complex


@mypyc_attr(allow_interpreted_subclasses=True)
class Tensor(TensorMethods):
    """n-dimensional array that records the operations applied to it, so that their derivatives can be computed.

    Make one with ``tensor(data)``, ``zeros``, ``randn``, ``from_numpy``...; ``Tensor(2, 3)`` gives uninitialised memory of that
    shape and ``Tensor([1, 2])`` the data in the default dtype, as in PyTorch.
    """

    def legacy_init(self, first: Any, second: Any, third: Any, more: Any) -> None:
        """Sizes as integers, one sequence of data, an array or a tensor."""
        creation.legacy_constructor(self, [a for a in (first, second, third, *more) if a is not None])

    # -- the graph -----------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> _bool:
        """Whether gradients are computed for this tensor."""
        return requires_grad(self)

    @requires_grad.setter
    def requires_grad(self, value: Any) -> None:
        if not isinstance(value, _bool):
            raise RuntimeError("requires_grad must be a bool")
        self.change_requires_grad(
            value, "only Tensors of floating point and complex dtype can require gradients", False
        )

    def requires_grad_(self, requires_grad: Any = True) -> Tensor:
        """Start (or with False stop) recording operations on this leaf; returns the tensor itself.

        Raises:
            RuntimeError: for integer and bool tensors, and for clearing the flag of a computed tensor.
        """
        if not isinstance(requires_grad, _bool):
            raise errors.argument_type("requires_grad_", "requires_grad", 1, "bool", requires_grad)
        self.change_requires_grad(requires_grad, "only Tensors of floating point dtype can require gradients", True)
        return self

    def change_requires_grad(self, value: Any, text: str, quiet: _bool) -> None:
        """Set the flag of a leaf; a computed tensor keeps it."""
        if value:
            check_can_require_grad(self, text)
        if self.fn is not None:
            if value and quiet:
                return
            hint = "" if value else (
                " If you want to use a computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )  # fmt: skip
            raise RuntimeError("you can only change requires_grad flags of leaf variables." + hint)
        if value and self.inference and not modes.is_inference_mode_enabled():
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self.rg = _bool(value)

    @property
    def grad_fn(self) -> Any:
        """The node that made this tensor, None for a leaf; the same object on every access."""
        return self.fn if self.view_of is None else views.current_fn(self)

    @property
    def is_leaf(self) -> _bool:
        """Whether the tensor was made by the user (or needs no gradient): it has no ``grad_fn``."""
        return self.grad_fn is None

    @property
    def output_nr(self) -> _int:
        """Index of this tensor among the results of its ``grad_fn``."""
        return _int(self.nr)

    def read_grad(self) -> Any:
        """Value of the property ``grad`` (which is defined on the interpreted base: mypyc has no property deleters)."""
        meta = self.meta
        if meta is not None and (meta.grad is not None or meta.retains):
            return meta.grad
        if self.fn is not None:
            warnings.warn(NON_LEAF_GRAD, UserWarning, stacklevel=1 if modes.COMPILED else 2)
        return None

    def assign_grad(self, value: Any) -> None:
        """Check and set ``.grad``."""
        if value is None:
            if self.meta is not None:
                self.meta.grad = None
            return
        if not isinstance(value, TensorBase):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        meta = self.ensure_meta()
        wanted = meta.grad_dtype if meta.grad_dtype_set else self.dt
        if wanted is not None and value.dt is not wanted:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{value.dt.c_name}' to a tensor with grad_dtype "
                f"'{wanted.title}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can "
                "set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype."
            )
        if value.shp != self.shp:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{errors.shape_text(value.shp)}' to a tensor of size "
                f"'{errors.shape_text(self.shp)}'. Please ensure that the gradient and the tensor are the same size"
            )
        meta.grad = value

    @property
    def grad_dtype(self) -> Any:
        """Dtype that the gradient of this leaf must have; None allows any. Defaults to the tensor's dtype."""
        if self.grad_fn is not None:
            raise RuntimeError("grad_dtype can only be accessed on leaf tensors.")
        meta = self.meta
        return meta.grad_dtype if meta is not None and meta.grad_dtype_set else self.dt

    @grad_dtype.setter
    def grad_dtype(self, value: Any) -> None:
        if self.grad_fn is not None:
            raise RuntimeError("grad_dtype can only be set on leaf tensors.")
        meta = self.ensure_meta()
        meta.grad_dtype = value
        meta.grad_dtype_set = True

    @property
    def retains_grad(self) -> _bool:
        """Whether this computed tensor keeps its gradient, see :meth:`retain_grad`."""
        return self.meta is not None and self.meta.retains

    def retain_grad(self) -> None:
        """Keep the gradient of this computed tensor in ``.grad``; does nothing on a leaf.

        Raises:
            RuntimeError: when the tensor does not require grad.
        """
        if not requires_grad(self):
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        fn = self.fn if self.fn is None else self.grad_fn  # a view made without history stays a leaf here
        if fn is None:
            return
        self.ensure_meta().retains = True
        fn.extra().retained[_int(self.nr)] = weakref_ref(self)

    def backward(
        self, gradient: Any = None, retain_graph: Any = None, create_graph: _bool = False, inputs: Any = None
    ) -> None:
        """Compute the gradients of this tensor with respect to the leaves of its graph, and add them to their ``.grad``.

        Args:
            gradient: gradient with respect to this tensor (same shape); may be left out for one element.
            retain_graph: keep saved values so that the graph can be used again; defaults to ``create_graph``.
            create_graph: record the backward pass itself, for higher derivatives.
            inputs: accumulate only into these.

        Raises:
            RuntimeError: without a graph, without ``gradient`` for several elements, or a second time through freed values.
        """
        backward.backward([self], [gradient] if gradient is None or isinstance(gradient, TensorBase) else gradient,
                          retain_graph, create_graph, inputs)  # fmt: skip

    def register_hook(self, hook: Any) -> Any:
        """Call ``hook(grad)`` whenever the gradient of this tensor is computed; it may return a replacement.

        Returns:
            A handle whose ``remove()`` takes the hook away.
        """
        if not requires_grad(self):
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return hooks.register_tensor_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Any) -> Any:
        """Call ``hook(tensor)`` after a gradient was added to this leaf's ``.grad``."""
        if not requires_grad(self):
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return hooks.register_post_hook(self, hook)

    @property
    def _backward_hooks(self) -> Any:
        """Ordered dictionary of the tensor's hooks, or None."""
        return None if self.meta is None else self.meta.hooks

    def detach(self) -> Tensor:
        """A leaf without history that shares this tensor's memory and version counter."""
        out = detached(self)
        return out  # type: ignore[return-value]

    def detach_(self) -> Tensor:
        """Drop this tensor's history: it becomes a leaf that does not require grad.

        Raises:
            RuntimeError: for views.
        """
        if modes.is_inference_mode_enabled():
            return self  # as in PyTorch, where autograd does not take part
        if self.view_of is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
                "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
                "detach_() cannot be called on these gradients. To fix this error, please refer to the "
                "Optimizer.zero_grad() function in torch/optim/optimizer.py as a reference."
            )
        if self.fn is not None:
            self.ensure_meta().dropped_at = modes.MODES.sequence
        self.fn = None
        self.nr = 0
        self.rg = False
        if self.meta is not None:
            self.meta.tangent = None
        return self

    @property
    def data(self) -> Any:
        """A leaf that shares this tensor's memory but not its version: writes through it go unnoticed."""
        out = Tensor(memory(self), self.dt, self.shp)
        out.inference = self.inference
        return out

    @data.setter
    def data(self, value: Any) -> None:
        if not isinstance(value, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if requires_grad(self) and value.dt.category < 2:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        replace_array(self, memory(value))
        self.inference = value.inference

    @property
    def _version(self) -> _int:
        """How often the memory of this tensor was written to."""
        if self.inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return _int(version_of(self))

    @property
    def _base(self) -> Any:
        """The tensor whose memory this one views; None when it is not a view."""
        return None if self.view_of is None else self.view_of.base

    def _is_view(self) -> _bool:
        """Whether this tensor views another's memory."""
        return self.view_of is not None

    def is_inference(self) -> _bool:
        """Whether this tensor was made in inference mode."""
        return self.inference

    # -- shape and type ------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """Size of each dimension."""
        return self.shp

    def size(self, dim: Any = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.shp
        return self.shp[common.wrap_dim(dim, len(self.shp))]

    @property
    def ndim(self) -> _int:
        """Number of dimensions."""
        return len(self.shp)

    def dim(self) -> _int:
        """Number of dimensions."""
        return len(self.shp)

    def ndimension(self) -> _int:
        """Number of dimensions."""
        return len(self.shp)

    def numel(self) -> _int:
        """Number of elements."""
        return _int(self.array.size)

    def nelement(self) -> _int:
        """Number of elements."""
        return _int(self.array.size)

    @property
    def itemsize(self) -> _int:
        """Bytes of one element."""
        return self.dt.itemsize

    @property
    def nbytes(self) -> _int:
        """Bytes of all elements."""
        return self.dt.itemsize * self.numel()

    def element_size(self) -> _int:
        """Bytes of one element."""
        return self.dt.itemsize

    @property
    def dtype(self) -> DType:
        """Type of the elements."""
        return self.dt

    @property
    def device(self) -> Any:
        """Where the memory is: always the CPU."""
        return device.CPU

    @property
    def layout(self) -> Any:
        """Always ``strided``."""
        return device.STRIDED

    @property
    def is_cuda(self) -> _bool:
        """Always False: there is no GPU support."""
        return False

    @property
    def is_sparse(self) -> _bool:
        """Always False: all tensors are dense."""
        return False

    @property
    def names(self) -> Any:
        """Names of the dimensions: always None."""
        return (None,) * len(self.shp)

    @property
    def name(self) -> Any:
        """A label of the user's own; None unless set."""
        return None if self.meta is None else self.meta.name

    @name.setter
    def name(self, value: Any) -> None:
        self.ensure_meta().name = value

    def stride(self, dim: Any = None) -> Any:
        """Steps between neighbours along each dimension (or along one), in elements."""
        found = views.element_strides(self.array)
        return found if dim is None else found[common.wrap_dim(dim, len(self.shp))]

    def storage_offset(self) -> _int:
        """Where the first element lies within the memory of the base, in elements."""
        if self.view_of is None:
            return 0
        array = memory(self)
        return (views.address(array) - views.address(views.storage(self))) // _int(array.itemsize)

    def data_ptr(self) -> _int:
        """Address of the first element; 0 when there is none."""
        return views.address(memory(self)) if 0 not in self.shp else 0

    def is_contiguous(self, memory_format: Any = None) -> _bool:
        """Whether the elements lie in memory without gaps, in row-major order or that of another memory format."""
        return fill.has_format(self, fill.format_name(memory_format))

    def is_floating_point(self) -> _bool:
        """Whether the dtype is a real floating point one."""
        return self.dt.is_floating_point

    def is_complex(self) -> _bool:
        """Whether the dtype is complex."""
        return self.dt.is_complex

    def is_signed(self) -> _bool:
        """Whether the dtype has negative numbers."""
        return self.dt.is_signed

    def is_conj(self) -> _bool:
        """Whether conjugation is pending: never, ``conj()`` computes at once."""
        return False

    def is_neg(self) -> _bool:
        """Whether negation is pending: never."""
        return False

    def is_same_size(self, other: TensorBase) -> _bool:
        """Whether the other tensor has the same shape."""
        if not isinstance(other, TensorBase):
            raise errors.argument_type("is_same_size", "other", 1, "Tensor", other)
        return self.shp == other.shp

    def get_device(self) -> _int:
        """Index of the device: -1 for the CPU."""
        return -1

    def share_memory_(self) -> Tensor:
        """Present for compatibility; memory is not moved."""
        return self

    def pin_memory(self, device: Any = None) -> Tensor:
        """Present for compatibility; memory is not moved."""
        return self

    # -- Python and NumPy ----------------------------------------------------------------------------------------------

    def item(self) -> Any:
        """The value of a tensor with one element as a Python number.

        Raises:
            RuntimeError: for any other number of elements.
        """
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return self.array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers (a number for a 0-d tensor)."""
        return self.array.tolist()

    def numpy(self, *, force: _bool = False) -> Any:
        """The values as an ndarray that shares this tensor's memory.

        Args:
            force: detach first if needed.

        Raises:
            RuntimeError: when the tensor requires grad.
        """
        if requires_grad(self) and not force and modes.is_grad_enabled():
            raise RuntimeError(NUMPY_REQUIRES_GRAD)
        return memory(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        array = self.numpy()
        if dtype is not None:
            array = array.astype(dtype, copy=False)
        return array.copy() if copy else array

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: _bool = False) -> Any:
        return from_array(np.asarray(array))

    def __len__(self) -> _int:
        if len(self.shp) == 0:
            raise TypeError("len() of a 0-d tensor")
        return _int(self.shp[0])

    def __bool__(self) -> _bool:
        n = self.array.size
        if n != 1:
            what = "more than one value" if n > 1 else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
        return _bool(self.array.item())

    def __float__(self) -> _float:
        return _float(self.only_value())

    def __int__(self) -> _int:
        return _int(self.only_value())

    def __complex__(self) -> _complex:
        return _complex(self.only_value())

    def only_value(self) -> Any:
        """The one element as a Python number."""
        if self.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.array.item()

    def as_index(self) -> _int:
        """The one element of an integer tensor as an int, for use as an index."""
        if self.array.size != 1 or self.dt.category > 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return _int(self.array.item())

    def __iter__(self) -> Any:
        if len(self.shp) == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> _bool:
        if isinstance(element, (TensorBase, int, float, complex)):
            return _bool((self == element).any().item())
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")

    def __hash__(self) -> _int:
        return id(self)

    def __getitem__(self, index: Any) -> Any:
        return index_ops.getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        index_ops.setitem(self, index, value)

    # -- printing and copying ------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return text.tensor_repr(self)

    def __str__(self) -> str:
        return text.tensor_repr(self)

    def __format__(self, spec: str) -> str:
        return text.tensor_format(self, spec)

    def __deepcopy__(self, memo: Any) -> Any:
        return copying.deepcopy(self, memo)

    def __copy__(self) -> Any:
        return copying.copy(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copying.reduce(self)

    # -- Python's operators (Any: compiled, a declared Tensor could not be NotImplemented) -----------------------------

    def __add__(self, other: Any) -> Any:
        if isinstance(other, TensorBase) or operand(other):
            return binary(arithmetic.ADD, self, other)
        return NotImplemented

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, TensorBase) or operand(other):
            return binary(arithmetic.ADD, self, other)
        return NotImplemented

    def __iadd__(self, other: Any) -> Any:
        if operand(other):
            return binary_(arithmetic.ADD, self, other)
        return NotImplemented

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, TensorBase) or operand(other):
            return binary(arithmetic.SUB, self, other)
        return NotImplemented

    def __rsub__(self, other: Any) -> Any:
        if operand(other):
            return arithmetic.rsub(self, other)
        return NotImplemented

    def __isub__(self, other: Any) -> Any:
        if operand(other):
            return binary_(arithmetic.SUB, self, other)
        return NotImplemented

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, TensorBase) or operand(other):
            return binary(arithmetic.MUL, self, other)
        return NotImplemented

    def __rmul__(self, other: Any) -> Any:
        if isinstance(other, TensorBase) or operand(other):
            return binary(arithmetic.MUL, self, other)
        return NotImplemented

    def __imul__(self, other: Any) -> Any:
        if operand(other):
            return binary_(arithmetic.MUL, self, other)
        return NotImplemented

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, TensorBase) or operand(other):
            return binary(arithmetic.DIV, self, other)
        return NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        if operand(other):
            return binary(arithmetic.MUL, self.reciprocal(), other)
        return NotImplemented

    def __rdiv__(self, other: Any) -> Any:
        """``other / self``, by its name in Python 2, which PyTorch keeps."""
        return self.__rtruediv__(other)

    def __itruediv__(self, other: Any) -> Any:
        if operand(other):
            return binary_(arithmetic.DIV, self, other)
        return NotImplemented

    def __floordiv__(self, other: Any) -> Any:
        if operand(other):
            return self.floor_divide(other)
        return NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        if operand(other):
            return power.rfloordiv(self, other)
        return NotImplemented

    def __ifloordiv__(self, other: Any) -> Any:
        if operand(other):
            return self.floor_divide_(other)
        return NotImplemented

    def __mod__(self, other: Any) -> Any:
        if operand(other):
            return self.remainder(other)
        return NotImplemented

    def __rmod__(self, other: Any) -> Any:
        if operand(other):
            return power.rmod(self, other)
        return NotImplemented

    def __imod__(self, other: Any) -> Any:
        if operand(other):
            return self.remainder_(other)
        return NotImplemented

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        if operand(other):
            return power.pow(self, other)
        return NotImplemented

    def __rpow__(self, other: Any) -> Any:
        if operand(other):
            return power.rpow(self, other)
        return NotImplemented

    def __ipow__(self, other: Any, modulo: Any = None) -> Any:
        if operand(other):
            return self.pow_(other)
        return NotImplemented

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, Tensor):
            return self.matmul(other)
        return NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        if isinstance(other, TensorBase):
            wide: Any = other
            return wide.matmul(self)
        if isinstance(other, _ndarray):
            return common.make(other).matmul(self)
        return NotImplemented

    def __imatmul__(self, other: Any) -> Any:
        return self.matmul(other)

    def __neg__(self) -> Any:
        return unary(arithmetic.NEG, self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.abs()

    def __invert__(self) -> Any:
        return compare.invert(self)

    def __and__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_and(other)
        return NotImplemented

    def __rand__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_and(other)
        return NotImplemented

    def __iand__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_and_(other)
        return NotImplemented

    def __or__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_or(other)
        return NotImplemented

    def __ror__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_or(other)
        return NotImplemented

    def __ior__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_or_(other)
        return NotImplemented

    def __xor__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_xor(other)
        return NotImplemented

    def __rxor__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_xor(other)
        return NotImplemented

    def __ixor__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_xor_(other)
        return NotImplemented

    def __lshift__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_left_shift(other)
        return NotImplemented

    def __rshift__(self, other: Any) -> Any:
        if operand(other):
            return self.bitwise_right_shift(other)
        return NotImplemented

    def __rlshift__(self, other: Any) -> Any:
        if operand(other):
            return compare.rlshift(self, other)
        return NotImplemented

    def __rrshift__(self, other: Any) -> Any:
        if operand(other):
            return compare.rrshift(self, other)
        return NotImplemented

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        if operand(other):
            return self.eq(other)
        return NotImplemented

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        if operand(other):
            return self.ne(other)
        return NotImplemented

    def __lt__(self, other: Any) -> Tensor:
        if operand(other):
            return self.lt(other)
        return NotImplemented

    def __le__(self, other: Any) -> Tensor:
        if operand(other):
            return self.le(other)
        return NotImplemented

    def __gt__(self, other: Any) -> Tensor:
        if operand(other):
            return self.gt(other)
        return NotImplemented

    def __ge__(self, other: Any) -> Tensor:
        if operand(other):
            return self.ge(other)
        return NotImplemented


def operand(other: Any) -> _bool:
    """Whether an operator can be applied with ``other``; if not, Python raises its own TypeError."""
    return isinstance(other, (TensorBase, float, int, complex, _ndarray, _generic))


NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during "
    "autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
    "non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead."
)
NUMPY_REQUIRES_GRAD = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."

bind_grad(Tensor)
old_from_birth(Tensor)
_example: Any = np.zeros(1)
keep_spare_arrays(Tensor(_example, dtype_of(_example), Size((1,))), _example)

from weakref import ref as weakref_ref  # noqa: E402

from ._core import backward, copying, device, text  # noqa: E402
from ._core.tensor_base import from_array  # noqa: E402
from ._record import common  # noqa: E402
from ._record.binary import binary, binary_  # noqa: E402
from ._record.unary import unary  # noqa: E402
from .ops import arithmetic, compare, creation, fill, index_ops, power  # noqa: E402
