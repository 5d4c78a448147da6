"""Tensor texts against live torch: the cases of the specification, random arrays, and the rules of layout."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.autograd.forward_ad as forward_ad
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert._core import printing

Array = Any

DTYPES = [
    *(torch.bool, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32),
    *(torch.uint64, torch.float16, torch.float32, torch.float64, torch.complex64, torch.complex128),
]
FLOATING = [dtype for dtype in DTYPES if dtype.is_floating_point or dtype.is_complex]
INTEGRAL = [dtype for dtype in DTYPES if dtype not in FLOATING]


# torch compiles its decompositions the first time forward mode is used, and warns about its own compiler.
forward_mode_of_torch = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


def dtype_id(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def our_text(tensor: torch.Tensor, prefix: str = "tensor(") -> str:
    """What this library prints for a tensor of torch's, from its array and plain facts about it."""
    suffixes = printing.suffix_list(
        tuple(tensor.shape),
        tensor.numel(),
        str(tensor.dtype),
        str(torch.get_default_dtype()),
        tensor.requires_grad,
        None if tensor.grad_fn is None else type(tensor.grad_fn).__name__,
        None,
    )
    return printing.tensor_text(tensor.detach().numpy(), prefix=prefix, suffixes=suffixes)


@contextlib.contextmanager
def options_of_both(**options: Any) -> Iterator[None]:
    """The same print options in torch and here."""
    with torch._tensor_str.printoptions(**options), printing.printoptions(**options):
        yield


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    former = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(former)


SPECIFIED = [
    *("torch.tensor(1.)", "torch.tensor(1)", "torch.tensor(1.5)", "torch.tensor(True)", "torch.tensor(-0.)"),
    *("torch.tensor(1e10)", "torch.tensor(123456789.)", "torch.tensor(1e-5)", "torch.tensor(0.00012)"),
    *("torch.tensor(float('nan'))", "torch.tensor(-torch.inf)", "torch.tensor([1., torch.inf])"),
    *("torch.tensor([1.5, float('nan')])", "torch.tensor([0.])", "torch.tensor([-0.])", "torch.tensor([-0., 1.5])"),
    *("torch.tensor([1., 2., 3.])", "torch.tensor([1.5, 1000.])", "torch.tensor([1.5, 10000.])"),
    *("torch.tensor([1., 1000.])", "torch.tensor([1., 1001.])", "torch.tensor([1e8])", "torch.tensor([1.1e8])"),
    *("torch.tensor([0.0001])", "torch.tensor([0.0001], dtype=torch.float64)", "torch.tensor([0.0002])"),
    *("torch.tensor([1, -2, 300])", "torch.tensor([True, False])", "torch.tensor([[1., 2.], [3., -4.]])"),
    *("torch.ones(2, 2, 2)", "torch.ones(2, 1, 2, 2)", "torch.tensor(1+2j)", "torch.tensor([1+2j, 3-4.5j])"),
    *("torch.tensor([1., 2.], dtype=torch.float64)", "torch.tensor([1], dtype=torch.int32)", "torch.tensor([])"),
    *("torch.ones(0, 3)", "torch.tensor([], dtype=torch.int64)", "torch.ones(2, 0)", "torch.ones(0, dtype=bool)"),
    *("torch.ones(0, dtype=torch.complex64)", "torch.arange(30)", "torch.arange(30.)", "torch.arange(1000)"),
    *("torch.arange(1001)", "torch.ones(1001, 2)", "torch.ones(2, 1001)", "torch.ones(10, 10, 11)"),
    *("torch.ones(5, 201)", "torch.ones(6, 7, 24)", "torch.ones(7, 2, 72)", "torch.ones(1, 1, 1, 1001)"),
    *("torch.ones(2, requires_grad=True)", "torch.ones(2, requires_grad=True)*2"),
    *(f"torch.ones({n}, requires_grad=True)*1.5" for n in (5, 6, 8, 9, 12, 30)),
    "torch.ones(2, dtype=torch.float64, requires_grad=True)*2",
    "torch.ones(10, dtype=torch.float64, requires_grad=True)*1.5",
    "torch.ones((), requires_grad=True).exp()",
    *("torch.tensor([1e-10, 1e10])", "torch.tensor([12345.678])", "torch.tensor([0.1, 0.22, 0.333])"),
    *("torch.tensor([1.23456e7, 1.5e6])", "torch.tensor([10., -200., float('-inf')])"),
    *("torch.tensor([100.5, -2.25])", "torch.tensor([0.1+1e-8j])", "torch.tensor([1j, 2.5])"),
    *("torch.tensor([1e-310, 1e308], dtype=torch.float64)", "torch.tensor([5e-324], dtype=torch.float64)"),
    *("torch.tensor([6e-8, 65504.], dtype=torch.float16)", "torch.tensor(2**64 - 1, dtype=torch.uint64)"),
    *("torch.ones(3, 4).t()", "torch.ones(1).expand(40, 50)", "torch.arange(24.).reshape(2, 3, 4)[:, ::2, 1]"),
]


@pytest.mark.parametrize("expression", SPECIFIED)
def test_a_tensor_prints_as_in_torch(expression: str) -> None:
    tensor = eval(expression, {"torch": torch})
    assert our_text(tensor) == repr(tensor)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float32(1.5), "tensor(1.5000)"),
        (np.array(3), "tensor(3)"),
        (np.array([10.0, -200.0, -np.inf]), "tensor([  10., -200.,  -inf])"),
        (np.array([1.0, 1000.0]), "tensor([   1., 1000.])"),
        (np.array([1.0, 1001.0]), "tensor([1.0000e+00, 1.0010e+03])"),
        (np.array([1 + 2j, 3 - 4.5j]), "tensor([1.+2.0000j, 3.-4.5000j])"),
        (np.array([[1.0, 2.0], [3.0, -4.0]]), "tensor([[ 1.,  2.],\n        [ 3., -4.]])"),
        (np.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
        (np.ones((0, 3)), "tensor([])"),
    ],
)
def test_the_text_is_the_one_written_in_the_specification(array: Array, text: str) -> None:
    assert printing.tensor_text(array) == text


# Random arrays -------------------------------------------------------------------------------------------------------


def random_shape(rng: np.random.Generator) -> tuple[int, ...]:
    kind = rng.integers(10)
    if kind == 0:  # some dimension is empty
        return tuple(rng.integers(0, 3, size=rng.integers(1, 5)).tolist())
    if kind == 1:  # many elements
        return [(int(rng.integers(990, 1100)),), (5, 250), (250, 5), (9, 8, 15), (2, 9, 7, 9)][rng.integers(5)]
    ndim = int(rng.integers(0, 5))
    return tuple(rng.integers(1, 60 if ndim == 1 else 9 - ndim, size=ndim).tolist())


def random_reals(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    low, high = sorted(rng.uniform(-12, 12, size=2))
    values = rng.choice([-1.0, 1.0], size=shape) * 10.0 ** rng.uniform(low, high, size=shape)
    kind = rng.integers(6)
    if kind == 0:
        values = rng.standard_normal(shape)
    elif kind == 1:
        values = np.round(rng.standard_normal(shape) * 10 ** rng.integers(1, 10))
    elif kind == 2:
        values = np.abs(np.round(values, int(rng.integers(0, 5))))
    values = np.asarray(values)
    if rng.random() < 0.4:
        specials = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0], size=shape)
        values = np.where(rng.random(shape) < rng.choice([0.1, 0.5, 1.0]), specials, values)
    return values


def random_tensor(rng: np.random.Generator, dtype: torch.dtype) -> torch.Tensor:
    shape = random_shape(rng)
    name = dtype_id(dtype)
    if dtype == torch.bool:
        return torch.from_numpy(np.asarray(rng.random(shape) < 0.5))
    if dtype in INTEGRAL:
        info = np.iinfo(name)
        bound = 10 ** int(rng.integers(0, 19))
        low, high = max(info.min, -bound), min(info.max, bound)
        return torch.from_numpy(np.asarray(rng.integers(low, high, size=shape, dtype=name, endpoint=True)))
    with np.errstate(over="ignore"):
        if dtype.is_complex:
            values = random_reals(rng, shape).astype(name)
            values.imag = random_reals(rng, shape)
        else:
            values = random_reals(rng, shape).astype(name)
    return torch.from_numpy(np.asarray(values))


def random_options(rng: np.random.Generator) -> dict[str, Any]:
    choices: dict[str, list[Any]] = {
        "precision": [0, 1, 2, 6, 10],
        "threshold": [0, 1, 5, 30, 999, float("inf")],
        "edgeitems": [0, 1, 2, 5],
        "linewidth": [0, 10, 33, 79, 81, 120, 1000.5],
        "profile": ["default", "short", "full"],
        "sci_mode": [True, False],
    }
    chosen = [name for name in choices if rng.random() < 0.4]
    return {name: choices[name][rng.integers(len(choices[name]))] for name in chosen}


@pytest.mark.parametrize("dtype", DTYPES, ids=dtype_id)
def test_random_tensors_print_as_in_torch(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(17)
    for _ in range(150):
        tensor = random_tensor(rng, dtype)
        assert our_text(tensor) == repr(tensor)


@pytest.mark.parametrize("dtype", DTYPES, ids=dtype_id)
def test_random_tensors_print_as_in_torch_under_random_options(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(18)
    for _ in range(150):
        tensor = random_tensor(rng, dtype)
        options = random_options(rng)
        with options_of_both(**options):
            assert our_text(tensor) == repr(tensor), options


@given(data=st.data(), dtype=st.sampled_from(FLOATING), count=st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_any_bits_of_a_float_print_as_in_torch(data: st.DataObject, dtype: torch.dtype, count: int) -> None:
    size = count * dtype.itemsize
    bits = data.draw(st.binary(min_size=size, max_size=size))
    tensor = torch.from_numpy(np.frombuffer(bits, dtype=dtype_id(dtype)).copy())
    assert our_text(tensor) == repr(tensor)


@given(values=st.lists(st.floats(width=32), min_size=1, max_size=30), precision=st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_any_floats_print_as_in_torch_at_any_precision(values: list[float], precision: int) -> None:
    tensor = torch.tensor(values)
    with options_of_both(precision=precision):
        assert our_text(tensor) == repr(tensor)


# Suffixes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("linewidth", range(1, 60))
def test_suffixes_wrap_at_the_same_width_as_in_torch(linewidth: int) -> None:
    tensor = torch.ones(2, dtype=torch.float64, requires_grad=True) * 1.5
    with options_of_both(linewidth=linewidth):
        assert our_text(tensor) == repr(tensor)


@pytest.mark.parametrize("length", range(1, 40))
def test_suffixes_wrap_after_rows_of_any_length_as_in_torch(length: int) -> None:
    for tensor in (torch.arange(length, dtype=torch.int16), torch.ones(2, length, requires_grad=True) * 2):
        assert our_text(tensor) == repr(tensor)


def test_the_first_suffix_stays_on_a_line_of_eighty_characters_less_two() -> None:
    text = printing.tensor_text(np.full(5, 1.5), suffixes=["x" * 29])
    assert (len(text), "\n" in text) == (79, False)
    assert "\n" in printing.tensor_text(np.full(5, 1.5), suffixes=["x" * 30])


@pytest.mark.parametrize("default", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("dtype", DTYPES, ids=dtype_id)
def test_the_dtype_is_shown_when_torch_shows_it(default: torch.dtype, dtype: torch.dtype) -> None:
    with default_dtype(default):
        for shape in ((), (2,), (0,), (3, 0)):
            tensor = torch.ones(shape, dtype=dtype)
            assert our_text(tensor) == repr(tensor)


def test_a_dtype_is_named_with_the_module_the_caller_gives() -> None:
    assert printing.suffix_list((1,), 1, "wengert.float64", "wengert.float32", False, None, None) == [
        "dtype=wengert.float64"
    ]
    assert printing.suffix_list((1,), 1, "wengert.int64", "wengert.float32", False, None, None) == []


def test_the_suffixes_stand_in_the_order_of_torch() -> None:
    suffixes = printing.suffix_list((0, 2), 0, "torch.int8", "torch.float32", True, None, "tensor([])")
    assert suffixes == ["size=(0, 2)", "dtype=torch.int8", "requires_grad=True", "tangent=tensor([])"]


def test_a_grad_fn_is_shown_instead_of_requires_grad() -> None:
    assert printing.suffix_list((), 1, "torch.float32", "torch.float32", True, "Invalid", None) == ["grad_fn=<Invalid>"]


@forward_mode_of_torch
@pytest.mark.parametrize("shape", [(), (2,), (3, 4), (30,), (0,), (2, 60)])
def test_a_dual_tensor_prints_its_tangent_as_in_torch(shape: tuple[int, ...]) -> None:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(torch.full(shape, 2.0), torch.full(shape, 0.5)) * 3
        primal, tangent = forward_ad.unpack_dual(dual)
        tangent_text = printing.number_text(tangent.numpy()) if tangent.ndim == 0 else our_text(tangent)
        suffixes = printing.suffix_list(
            shape, dual.numel(), "torch.float32", "torch.float32", False, None, tangent_text
        )
        assert printing.tensor_text(primal.numpy(), suffixes=suffixes) == repr(dual)


@forward_mode_of_torch
def test_a_tangent_with_a_history_prints_its_own_suffixes_as_in_torch() -> None:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(torch.ones(2, requires_grad=True), torch.ones(2)) * 2
        primal, tangent = forward_ad.unpack_dual(dual)
        suffixes = printing.suffix_list(
            (2,), 2, "torch.float32", "torch.float32", True, "MulBackward0", our_text(tangent)
        )
        assert printing.tensor_text(primal.detach().numpy(), suffixes=suffixes) == repr(dual)


# Prefix, summary, numbers, named tuples ------------------------------------------------------------------------------


class LongNameForASubclassOfTensor(torch.Tensor):
    pass


@pytest.mark.parametrize("shape", [(), (2,), (40,), (3, 4), (2, 30)])
def test_a_subclass_prints_under_its_own_name_and_indent(shape: tuple[int, ...]) -> None:
    plain = torch.full(shape, 1.5, dtype=torch.float64)
    tensor = plain.as_subclass(LongNameForASubclassOfTensor)
    assert our_text(plain, prefix="LongNameForASubclassOfTensor(") == repr(tensor)


def test_a_parameter_subclass_prints_its_class_name_inside_parameter() -> None:
    """The outer text is the caller's; the body has the prefix of the class."""

    class Weight(torch.nn.Parameter):
        pass

    inner = our_text(torch.ones(2, requires_grad=True), prefix="Weight(")
    assert f"Parameter containing:\nParameter({inner})" == repr(Weight(torch.ones(2)))


def test_a_summary_reads_only_the_shown_elements() -> None:
    array = np.broadcast_to(np.float32(1.5), (10**6, 10**6))  # 4 TB if it were ever copied
    assert printing.tensor_text(array) == our_text(torch.full((20, 1000), 1.5))


def test_elements_that_are_not_shown_do_not_change_the_style() -> None:
    tensor = torch.ones(2000)
    tensor[1000] = 1e-9
    assert our_text(tensor) == repr(tensor) == "tensor([1., 1., 1.,  ..., 1., 1., 1.])"


def test_a_summary_of_sixty_dimensions_prints_as_in_torch() -> None:
    tensor = torch.zeros((1,) * 59 + (1001,))
    assert our_text(tensor) == repr(tensor)


def test_a_byte_swapped_array_prints_its_values() -> None:
    assert printing.tensor_text(np.array([1.5, 2.0], dtype=">f4")) == "tensor([1.5000, 2.0000])"


def test_printing_leaves_the_array_as_it_was() -> None:
    array = np.array([[1.5, -2.0], [np.nan, 0.0]])
    before = array.tobytes()
    printing.tensor_text(array)
    assert array.tobytes() == before


@pytest.mark.parametrize("spec", ["", ".2f", "+.3e", ">12", "010.1f"])
@pytest.mark.parametrize("value", [0.1, -1.5, float("inf")])
def test_a_zero_dim_float_formats_as_in_torch(value: float, spec: str) -> None:
    tensor = torch.tensor(value)
    assert printing.number_text(tensor.numpy(), spec) == format(tensor, spec)


@pytest.mark.parametrize(("value", "spec"), [(7, "04d"), (7, "x"), (True, ""), (1 + 2j, ""), (1 + 2j, ".1f")])
def test_a_zero_dim_number_of_any_kind_formats_as_in_torch(value: complex, spec: str) -> None:
    tensor = torch.tensor(value)
    assert printing.number_text(tensor.numpy(), spec) == format(tensor, spec)


def test_a_format_that_does_not_suit_the_number_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown format code 'd'"):
        printing.number_text(np.float32(1.5), "d")


@pytest.mark.parametrize(
    "result", [torch.ones(2, 3).max(1), torch.arange(4.0).sort(), torch.linalg.slogdet(torch.eye(2))]
)
def test_a_named_tuple_of_results_prints_as_in_torch(result: Any) -> None:
    name = repr(result).partition("(")[0]
    fields = [field for field in dir(type(result)) if isinstance(getattr(result, field), torch.Tensor)]
    fields.sort(key=lambda field: [getattr(result, field) is item for item in result].index(True))
    assert printing.return_type_text(name, fields, [our_text(item) for item in result]) == repr(result)


def test_a_named_tuple_needs_one_text_for_each_field() -> None:
    with pytest.raises(ValueError, match="shorter"):
        printing.return_type_text("torch.return_types.max", ["values", "indices"], ["tensor(1.)"])
