"""Differences from PyTorch that the machine found, one test each."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as wg
import wengert.autograd.forward_ad as fwAD
from wengert.autograd.graph import get_gradient_edge, register_multi_grad_hook, saved_tensors_hooks


def computed(*shape: int) -> Any:
    """A computed tensor of ones."""
    return wg.ones(*shape, requires_grad=True) * 1


# -- views and in-place writes -----------------------------------------------------------------------------------------


def test_a_view_of_an_inference_tensor_only_shares_its_memory() -> None:
    with wg.inference_mode():
        x = wg.ones(2, 2)
        part = x[0]
    assert part.is_inference() and not part._is_view() and not x.view(4)._is_view()


def test_the_error_of_a_view_made_in_inference_mode_says_so() -> None:
    x = computed(3)
    with wg.inference_mode():
        part = x[:2]
    with pytest.raises(
        RuntimeError, match=r"^A view was created in inference mode and is being modified inplace in normal"
    ):
        part.add_(1)


def test_the_error_of_a_view_of_an_unrecorded_view_names_both() -> None:
    x = computed(3)
    with wg.no_grad():
        part = x[:2]
    inner = part[0]
    with pytest.raises(
        RuntimeError, match=r"^Output 0 of Select is a view of a view which was created in no_grad mode"
    ):
        inner.add_(1)


def test_errors_name_the_overload_of_an_operator() -> None:
    part = computed(4, 1).split(2)[0].squeeze(1)
    with pytest.raises(RuntimeError, match=r"^Output 0 of Squeeze1 is a view and is being modified inplace"):
        part.add_(1)


def test_copies_keep_their_full_name_in_errors() -> None:
    y = wg.zeros(2).copy_(computed(2))
    z = y.sin()
    y.add_(1)
    with pytest.raises(RuntimeError, match="is at version 2"):
        z.sum().backward()
    y = wg.zeros(2).copy_(computed(2))
    z = y.sin()
    with wg.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="which is output 0 of torch::autograd::CopyBackwards,"):
        z.sum().backward()


@pytest.mark.parametrize("name", ["tril_", "pow_", "cumsum_"])
def test_writing_to_one_of_several_views_whose_base_has_changed_names_the_write(name: str) -> None:
    x = computed(2, 4)
    part = x.chunk(2)[0]
    x.add_(1)
    with pytest.raises(RuntimeError, match=r"^Output 0 of Split is a view and is being modified inplace"):
        getattr(part, name)(*{"tril_": (), "pow_": (2,), "cumsum_": (0,)}[name])


@pytest.mark.parametrize("index", [slice(None), ..., [0], (slice(None), [0])])
def test_writing_to_all_of_a_leaf_names_the_leaf(index: Any) -> None:
    leaf = wg.ones(2, 2, requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"^a leaf Variable that requires grad is being used in an in-place operation"
    ):
        leaf[index] = 1.0


def test_writing_to_a_part_of_a_leaf_names_the_view() -> None:
    leaf = wg.ones(2, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"^a view of a leaf Variable that requires grad"):
        leaf[0] = 1.0


def test_filling_an_expanded_tensor_from_a_tensor_is_refused() -> None:
    table = wg.ones(2).expand(3, 2)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
        table.fill_(wg.tensor(2.0))
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory"):
        table[:] = 2.0


def test_fill_diagonal_writes_through_a_view() -> None:
    x = computed(5, 2)
    x.fill_diagonal_(0.0, wrap=True)
    assert x.grad_fn.name() == "torch::autograd::CopySlices"
    assert x.tolist() == [[0, 1], [1, 0], [1, 1], [0, 1], [1, 0]]


def test_retain_grad_follows_a_view_whose_base_was_written_to() -> None:
    x = computed(3)
    view = x.view(3, 1)
    view.retain_grad()
    x.mul_(2)
    view.sum().backward()
    assert view.grad.tolist() == [[1.0], [1.0], [1.0]]


def test_retain_grad_on_a_view_that_was_not_recorded_does_nothing() -> None:
    x = computed(3)
    with wg.no_grad():
        view = x[:2]
    x.mul_(2)
    view.retain_grad()
    assert not view.retains_grad


def test_a_node_of_copy_slices_gives_nothing_to_a_base_without_gradient() -> None:
    base = wg.zeros(2)
    base[0] = computed(1)[0]
    assert base.grad_fn(wg.ones(2))[0] is None


def test_a_value_with_a_dimension_too_many_is_viewed_not_expanded() -> None:
    x = wg.zeros(2, 3)
    x[0] = computed(1, 3)
    assert x.grad_fn.next_functions[1][0].name() == "ViewBackward0"


def test_detach_in_place_does_nothing_in_inference_mode() -> None:
    x = computed(2)
    view = x[:1]
    with wg.inference_mode():
        x.detach_()
        view.detach_()
    assert x.requires_grad and view.requires_grad


def test_view_as_the_same_dtype_has_no_history() -> None:
    x = computed(2)
    y = x.view(x.dtype)
    assert y.grad_fn is None and not y._is_view()
    y.zero_()
    assert x.tolist() == [0.0, 0.0] and x._version == 1


def test_views_of_replaced_memory_keep_their_place_in_it() -> None:
    x = wg.arange(6.0)
    view = x[2:]
    x.data = wg.zeros(6)
    assert view.storage_offset() == 2
    assert view.as_strided((2,), (1,), 0).tolist() == [0.0, 1.0]


def test_the_history_of_a_view_of_replaced_memory_is_renewed_in_place() -> None:
    x = computed(6)
    view = x[2:]
    x.data = wg.zeros(6)
    x.mul_(2)
    assert view.grad_fn._saved_storage_offset == 2


def test_moving_the_dimensions_of_a_number_is_an_alias() -> None:
    x = wg.tensor(1.0, requires_grad=True)
    assert x.movedim(0, -1).grad_fn.name() == "AliasBackward0"
    with pytest.raises(IndexError):
        x.movedim(-1, 1)


def test_broadcast_tensors_returns_what_has_the_shape_already() -> None:
    a, b = wg.ones(3), wg.ones(2, 3)
    wide, same = wg.broadcast_tensors(a, b)
    assert same is b and wide._base is a


# -- modes, hooks, the graph -------------------------------------------------------------------------------------------


def test_the_primal_is_a_view_with_an_identity_node() -> None:
    x = wg.ones(2, requires_grad=True)
    with fwAD.dual_level():
        primal = fwAD.unpack_dual(x).primal
        assert primal._base is x and primal.grad_fn.name() == "torch::autograd::Identity"


def test_a_tangent_has_no_tangent() -> None:
    with fwAD.dual_level():
        tangent = fwAD.make_dual(wg.ones(2), wg.ones(2))
        with pytest.raises(RuntimeError, match=r"^Setting a forward grad that itself has a forward gradient"):
            fwAD.make_dual(wg.ones(2), tangent)


def test_jvp_reads_what_was_saved_for_forward() -> None:
    class Square(wg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_forward(x)
            return x * x

        @staticmethod
        def jvp(ctx: Any, tangent: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 2 * x * tangent

    with fwAD.dual_level():
        y = Square.apply(fwAD.make_dual(wg.tensor([3.0]), wg.ones(1)))
        assert fwAD.unpack_dual(y).tangent.tolist() == [6.0]


def test_saved_tensor_hooks_do_not_see_numbers_of_the_program() -> None:
    seen: list[Any] = []
    with saved_tensors_hooks(lambda t: seen.append(t.shape) or t, lambda t: t):
        y = computed(2) * 3.0
    y.sum().backward()
    assert seen == []


def test_saved_tensor_hooks_see_indices_without_history() -> None:
    seen: list[Any] = []
    with saved_tensors_hooks(lambda t: seen.append(t.requires_grad) or t, lambda t: t):
        computed(3).sort()
    assert seen == [False]


def test_nodes_do_not_count_results_without_gradient() -> None:
    seen: list[Any] = []
    values = wg.eye(2, requires_grad=True).max(0)[0]
    values.grad_fn.register_hook(lambda inputs, outputs: seen.append(len(outputs)))
    values.sum().backward()
    assert seen == [1]


def test_a_hook_on_any_of_several_tensors_leaves_out_those_without_gradient() -> None:
    seen: list[Any] = []
    x = wg.ones(2, requires_grad=True)
    register_multi_grad_hook([wg.ones(2), x], lambda grad: seen.append(grad.tolist()), mode="any")
    x.sum().backward()
    assert seen == [[1.0, 1.0]]


def test_a_hook_on_all_of_several_tensors_wants_all_to_require_grad() -> None:
    with pytest.raises(AssertionError, match="Expected gradient function to be set"):
        register_multi_grad_hook([wg.ones(2), computed(2)], print)


def test_the_gradient_edge_of_a_view_that_was_not_recorded_is_missing() -> None:
    x = computed(2)
    with wg.no_grad():
        view = x[:1]
    with pytest.raises(AssertionError, match="Expected gradient function to be set"):
        get_gradient_edge(view)


def test_backward_checks_the_kind_of_all_outputs_before_their_graphs() -> None:
    number = wg.tensor(1j, requires_grad=True) * 1
    with pytest.raises(RuntimeError, match="only for real scalar outputs but got"):
        wg.autograd.backward([wg.ones(()), number])


def test_numpy_is_allowed_while_nothing_is_recorded() -> None:
    x = computed(2)
    with wg.no_grad():
        assert x.numpy().tolist() == [1.0, 1.0]


# -- operators ---------------------------------------------------------------------------------------------------------


def test_scatter_with_a_0d_index_takes_the_first_of_several_values() -> None:
    x = wg.tensor(0)
    assert x.scatter_(0, wg.tensor(0), wg.tensor([7, 8])).item() == 7
    assert x.scatter_add_(0, wg.tensor(0), wg.tensor([7, 8])).item() == 14


@pytest.mark.parametrize("shape", [(3, 2, 1), (3,), ()])
def test_scatter_refuses_a_source_of_another_number_of_dimensions(shape: tuple[int, ...]) -> None:
    x, index = wg.zeros(3, 2), wg.zeros(3, 2, dtype=wg.int64)
    for name in ("scatter_", "scatter_add_"):
        with pytest.raises(RuntimeError, match="Index tensor must have the same number of dimensions as src tensor"):
            getattr(x, name)(0, index, wg.zeros(shape))


def test_scatter_refuses_a_0d_source_for_several_places() -> None:
    with pytest.raises(RuntimeError, match=r"^Expected index \[3\] to be no larger than self"):
        wg.zeros(3).scatter_(0, wg.zeros(3, dtype=wg.int64), wg.tensor(1.0))


def test_complex_of_parts_that_do_not_broadcast_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        wg.complex(wg.ones(3, 2), wg.ones(3, 3))


def test_view_as_complex_wants_an_even_offset() -> None:
    with pytest.raises(RuntimeError, match=r"^Tensor must have a storage_offset divisible by 2"):
        wg.view_as_complex(wg.zeros(4).as_strided((2,), (1,), 1))


def test_a_mask_without_elements_must_fit_too() -> None:
    x = wg.ones(3, 3)
    mask = wg.zeros(0, 3, dtype=wg.bool)
    with pytest.raises(IndexError, match=r"^The shape of the mask \[0, 3\] at index 0 does not match"):
        x[mask] = 0.0
    with pytest.raises(IndexError, match=r"^The shape of the mask \[0, 3\] at index 0 does not match"):
        x[mask]


def test_an_imaginary_number_is_true() -> None:
    x = wg.tensor([1j, 0, 2])
    assert x.type_as(wg.tensor([True])).tolist() == [True, False, True]
    assert wg.zeros(3, dtype=wg.bool).copy_(x).tolist() == [True, False, True]


def test_rolling_a_number_along_a_dimension_is_an_error() -> None:
    with pytest.raises(IndexError, match=r"^Dimension specified as 0 but tensor has no dimensions"):
        wg.tensor(1.0).roll(1, 0)


def test_the_address_of_nothing_is_0() -> None:
    assert wg.empty(0, 3).data_ptr() == 0


# -- accumulation ------------------------------------------------------------------------------------------------------


def test_a_sum_of_gradients_keeps_its_tangent() -> None:
    with fwAD.dual_level():
        t = fwAD.make_dual(wg.ones(2), wg.full((2,), 3.0))
        u = wg.ones(2, requires_grad=True)
        (grad,) = wg.autograd.grad((t * u + u).sum(), u)
        assert fwAD.unpack_dual(grad).tangent.tolist() == [3.0, 3.0]


def test_a_leaf_that_got_a_dimension_gets_its_gradient_in_the_new_shape() -> None:
    x = wg.ones(3, requires_grad=True)
    y = (x * 2).sum()
    with wg.no_grad():
        x.unsqueeze_(0)
    y.backward()
    assert x.grad.shape == (1, 3)


def test_a_leaf_that_got_another_shape_is_refused_its_gradient() -> None:
    x = wg.ones(3, requires_grad=True)
    y = (x * 2).sum()
    x.data = wg.ones(2, 2)
    with pytest.raises(RuntimeError, match=r"^The size of tensor a \(2\) must match the size of tensor b \(3\)"):
        y.backward()
    assert x.grad is None


def test_a_leaf_that_became_part_of_a_graph_is_refused_its_gradient() -> None:
    memory = wg.ones(4)
    x = memory[:2].requires_grad_()
    y = (x * 2).sum()
    memory.copy_(wg.ones(4, requires_grad=True) * 1)
    with pytest.raises(RuntimeError, match=r"^leaf variable has been moved into the graph interior"):
        y.backward()


def test_a_gradient_made_in_inference_mode_is_not_added_to_outside() -> None:
    x = wg.ones(3, requires_grad=True)
    y = (x * 2).sum()
    with wg.inference_mode():
        x.grad = wg.ones(3)
    with pytest.raises(RuntimeError, match=r"^Inplace update to inference tensor outside InferenceMode"):
        y.backward()


def test_data_of_an_inference_tensor_makes_one() -> None:
    x = wg.ones(3)
    with wg.inference_mode():
        y = wg.ones(3)
    x.data = y
    assert x.is_inference()


def test_what_was_detached_in_place_may_be_saved_afterwards_but_not_before() -> None:
    x = wg.ones(2, requires_grad=True)
    y = x * 3
    before = (y * x).sum()
    y.detach_()
    (y * x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match=r"^Trying to use a saved tensor that has been detached in-place"):
        before.backward()


def test_other_memory_in_place_leaves_no_old_tangent() -> None:
    with fwAD.dual_level():
        x = fwAD.make_dual(wg.ones(2), wg.ones(2))
        assert fwAD.unpack_dual((x * 3).detach_()).tangent is None
        with pytest.raises(NotImplementedError, match=r"^Trying to use forward AD with set_"):
            (x * 3).set_(wg.zeros(2))
        with pytest.raises(RuntimeError, match=r"^cannot resize variables that has a forward grad"):
            (x * 3).resize_(1)


@pytest.mark.parametrize("transposed", [False, True])
def test_writes_through_views_reach_a_tangent_that_was_laid_out_otherwise(transposed: bool) -> None:
    x, v = wg.arange(6.0).reshape(2, 3), wg.arange(6.0).reshape(3, 2).t() + 1
    if transposed:
        x, v = v, x
    with fwAD.dual_level():
        y = fwAD.make_dual(x, v).clone()
        y.as_strided((2, 3), y.stride())[0].mul_(2)
        assert fwAD.unpack_dual(y).tangent.tolist() == [(2 * v[0]).tolist(), v[1].tolist()]
    f = wg.func.grad(lambda a: (a * 1).index_fill_(0, wg.tensor([1]), 0.0)[0].mul_(a[1]).sum())
    assert wg.func.jvp(f, (x,), (v,))[1].equal(wg.stack([v[1], v[0]]))


@pytest.mark.parametrize(
    "step", ["scatter_add_(0, index, source)", "index_put_((index[:, 0],), source, accumulate=True)"]
)
def test_values_that_lie_where_they_are_written_to_are_read_before(step: str) -> None:
    x = wg.arange(240.0).reshape(60, 4)
    index = (wg.arange(60) // 2)[:, None].expand(60, 4).contiguous()
    expected, found = x.clone(), x.clone()
    eval(f"target.{step}", {"target": expected, "source": x, "index": index})
    eval(f"target.{step}", {"target": found, "source": found, "index": index})
    assert found.equal(expected)


@pytest.mark.parametrize("parts", ["unbind(0)", "split(1)", "split([1, 2])", "chunk(2)"])
def test_gradients_of_some_of_several_views_have_tangents(parts: str) -> None:
    x = wg.arange(6.0).reshape(3, 2)
    gradient = wg.func.grad(lambda a: (eval(f"a.{parts}")[1] ** 3).sum())
    expected = wg.zeros(3, 2)
    eval(f"expected.{parts}")[1].copy_(6 * eval(f"x.{parts}")[1])
    assert wg.func.jvp(gradient, (x,), (wg.ones(3, 2),))[1].equal(expected)


def test_a_gradient_through_a_view_of_what_was_written_to_has_a_tangent() -> None:
    def f(x: Any) -> Any:
        y = x * 1
        row = y[0]
        y.mul_(x)
        return (row**2).sum()

    x = wg.tensor([[2.0, 3.0], [4.0, 5.0]])
    assert wg.func.jvp(wg.func.grad(f), (x,), (wg.ones(2, 2),))[1].equal(wg.tensor([[48.0, 108.0], [0.0, 0.0]]))


def test_a_view_has_the_tangent_that_its_base_got_later() -> None:
    with fwAD.dual_level():
        x = fwAD.make_dual(wg.ones(2), wg.tensor([1.0, 2.0]))
        base = wg.zeros(2, 2)
        column, bits = base[:, 0], base.view(wg.int32)
        base[0].copy_(x)
        assert fwAD.unpack_dual(column * 1).tangent.tolist() == [1.0, 0.0]
        column.mul_(3)
        assert fwAD.unpack_dual(base).tangent.tolist() == [[3.0, 2.0], [0.0, 0.0]]
        assert fwAD.unpack_dual(bits).tangent is None
        primal = fwAD.unpack_dual(base).primal
        assert fwAD.unpack_dual(primal[0] * 1).tangent is None


@pytest.mark.parametrize(
    "call", ["unique(x)", "unique_consecutive(x)", "linalg.ldl_factor(x)", "linalg.ldl_factor_ex(x)"]
)
def test_operators_without_derivatives_refuse_tangents(call: str) -> None:
    with fwAD.dual_level():
        x = fwAD.make_dual(wg.eye(2), wg.ones(2, 2))
        with pytest.raises(NotImplementedError, match=r"^Trying to use forward AD with"):
            eval(f"wg.{call}", {"wg": wg, "x": x})
