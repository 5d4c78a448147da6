"""``debug.lint`` warns once a line about each mistake, and not about programs that do the right thing."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import wengert as torch
from tests.debug.places import place
from wengert import debug

F: Any = torch.nn.functional


def leaf(*shape: int) -> Any:
    return torch.ones(shape or (3,), requires_grad=True)


def rules_of(program: Any, parameters: Any = None) -> list[str]:
    """Rules that a program breaks, in order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", debug.LintWarning)
        with debug.lint(parameters) as log:
            program()
    return [finding.rule for finding in log.found]


# -- a correct program --------------------------------------------------------------------------------------------------


def test_a_correct_loop_gets_no_warning() -> None:
    w, b = leaf(2), torch.zeros(1, requires_grad=True)
    x, y = torch.randn(5, 2), torch.randn(5)

    def train() -> None:
        for _ in range(3):
            loss = F.mse_loss(x @ w + b, y)
            w.grad = b.grad = None
            loss.backward()
            with torch.no_grad():
                w.sub_(0.1 * w.grad)
                b.sub_(0.1 * b.grad)

    assert rules_of(train) == []


def test_gradients_zeroed_in_place_count_as_cleared() -> None:
    w = leaf()

    def train() -> None:
        for _ in range(3):
            (w * w).sum().backward()
            with torch.no_grad():
                w.sub_(0.1 * w.grad)
            w.grad.zero_()

    assert rules_of(train) == []


def test_gradients_accumulated_over_parts_of_a_batch_are_fine() -> None:
    w = leaf()

    def train() -> None:
        for _ in range(2):
            for _ in range(3):
                (w * w).sum().backward()
            with torch.no_grad():
                w.sub_(0.1 * w.grad)
            w.grad = None

    assert rules_of(train) == []


# -- the rules ----------------------------------------------------------------------------------------------------------


def test_a_rebuilt_loss_is_told_that_it_trains_nothing() -> None:
    w = leaf()
    with pytest.warns(debug.LintWarning, match="backward\\(\\) starts at a leaf"), debug.lint(parameters=[]):
        loss = torch.tensor((w * 2).sum().item(), requires_grad=True)
        loss.backward()


def test_a_leaf_that_no_pass_reaches_is_named_at_its_first_use() -> None:
    used, lost = leaf(), leaf(4)
    with pytest.warns(debug.LintWarning, match="no backward pass has reached lost of shape"), debug.lint() as log:
        aside = lost * 2  # first use
        used.sum().backward()
    assert aside.shape == (4,)
    assert [str(f.site) for f in log.found] == [place(__file__, "first use")]


def test_given_parameters_are_named_together() -> None:
    class Model:
        def named_parameters(self) -> list[tuple[str, Any]]:
            return [("used", used), ("head.weight", lost), ("head.bias", lost2), ("frozen", torch.ones(1))]

    used, lost, lost2 = leaf(), leaf(), leaf()
    with pytest.warns(debug.LintWarning, match="reached head.weight, head.bias although"), debug.lint(Model()):
        used.sum().backward()


def test_parameters_are_not_missed_where_nothing_was_trained() -> None:
    w = leaf()

    def evaluate() -> None:
        w.sum()

    assert rules_of(evaluate) == []


def test_parameters_reached_by_grad_are_reached() -> None:
    w = leaf()
    assert rules_of(lambda: torch.autograd.grad((w * 2).sum(), w)) == []


def test_a_forgotten_zero_grad_is_found_by_the_update_of_the_parameter() -> None:
    w = leaf()

    def train() -> None:
        for _ in range(3):
            (w * w).sum().backward()
            with torch.no_grad():
                w.sub_(0.1 * w.grad)

    message = "w of shape .*its values were updated since the last pass"
    with pytest.warns(debug.LintWarning, match=message) as caught, debug.lint():
        train()
    assert len(caught) == 1


def test_a_forgotten_zero_grad_is_found_by_reading_the_gradient() -> None:
    x = leaf()
    with pytest.warns(debug.LintWarning, match=r"\.grad was read at test_lint\.py"), debug.lint():
        for _ in range(2):
            (x * x).sum().backward()
            print(x.grad)


def test_an_update_through_data_is_seen_as_well() -> None:
    w = leaf()

    def train() -> None:
        for _ in range(2):
            (w * w).sum().backward()
            w.data.sub_(0.1 * w.grad)

    assert rules_of(train) == ["data_write", "stale_grad"]


@pytest.mark.parametrize("swap", [False, True])
def test_a_column_against_a_row_is_found_in_operators(swap: bool) -> None:
    a, b = torch.ones(4, 1), torch.ones(4)
    first, second = (b, a) if swap else (a, b)
    with pytest.warns(debug.LintWarning, match=r"'-' broadcasts shapes \[4, 1\] and \[4\] to \[4, 4\]"), debug.lint():
        first - second


def test_a_column_against_a_row_is_found_in_functions() -> None:
    a, b = torch.ones(4, 1), torch.ones(4)
    assert rules_of(lambda: torch.sub(a, b)) == ["broadcast"]


def test_a_column_against_a_row_is_found_in_losses() -> None:
    a, b = torch.ones(4, 1), torch.ones(4)

    def program() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            F.mse_loss(a, b)

    assert rules_of(program) == ["broadcast"]


def test_shapes_that_are_spelled_out_on_the_line_are_meant() -> None:
    a = torch.ones(4)

    def program() -> None:
        a[:, None] - a
        a.unsqueeze(1) * a

    assert rules_of(program) == []


@pytest.mark.parametrize(
    ("first", "second"), [((4, 1), (1,)), ((4, 1), (4, 1)), ((4, 1), (3,)), ((1, 1), (1,)), ((4, 4), (4,))]
)
def test_other_broadcasting_is_fine(first: Any, second: Any) -> None:
    a, b = torch.ones(first), torch.ones(second)
    assert rules_of(lambda: a + b) == []


def test_every_kind_of_write_through_data_is_found() -> None:
    w = leaf()

    def program() -> None:
        w.data.add_(1)
        w.data[0] = 2.0
        w.data *= 2
        w.data = torch.zeros(3)

    assert rules_of(program) == ["data_write"] * 4


def test_reading_data_and_writing_to_data_without_gradient_are_fine() -> None:
    w, c = leaf(), torch.ones(3)

    def program() -> None:
        w.data.norm()
        w.data.add(1)
        c.data.add_(1)

    assert rules_of(program) == []


class KeepsIntermediate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        slope = 2 * x
        ctx.save_for_backward(slope)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.saved_tensors[0]


class KeepsAttribute(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.slope = 2 * x
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.slope


class KeepsInput(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        ctx.factor = torch.tensor(2.0)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.factor * ctx.saved_tensors[0]


class KeepsOutput(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.saved_tensors[0]


class Refuses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.slope = 2 * x
        return x * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * ctx.slope


def second_derivative(function: Any, x: Any) -> Any:
    (g,) = torch.autograd.grad(function.apply(x).sum(), x, create_graph=True)
    return g


@pytest.mark.parametrize("function", [KeepsIntermediate, KeepsAttribute])
def test_a_function_with_a_wrong_second_derivative_is_found(function: Any) -> None:
    x = leaf()
    message = f"goes through {function.__name__} .* makes the second derivative wrong"
    with pytest.warns(debug.LintWarning, match=message), debug.lint():
        g = second_derivative(function, x)
    assert not g.requires_grad or torch.autograd.grad(g.sum(), x, allow_unused=True)[0] is None  # truth: 2


@pytest.mark.parametrize("function", [KeepsInput, KeepsOutput, Refuses])
def test_functions_with_a_right_or_refused_second_derivative_are_fine(function: Any) -> None:
    x = leaf()
    assert rules_of(lambda: second_derivative(function, x)) == []


def test_a_first_derivative_through_such_a_function_is_fine() -> None:
    x = leaf()
    assert rules_of(lambda: KeepsIntermediate.apply(x).sum().backward()) == []


# -- form ---------------------------------------------------------------------------------------------------------------


def test_a_line_is_warned_about_once_and_the_warning_points_to_it() -> None:
    a, b = torch.ones(4, 1), torch.ones(4)
    with pytest.warns(debug.LintWarning) as caught, debug.lint():
        for _ in range(5):
            a * b  # the line
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert place(__file__, "the line").startswith(f"test_lint.py:{caught[0].lineno} ")


def test_every_warning_says_what_to_try() -> None:
    w = leaf()
    with pytest.warns(debug.LintWarning, match="\n  try: with no_grad\\(\\): write to the tensor itself"), debug.lint():
        w.data.add_(1)


def test_nothing_is_added_when_the_block_fails() -> None:
    lost = leaf()
    with pytest.raises(ZeroDivisionError), debug.lint() as log:
        lost * 2
        leaf().sum().backward()
        raise ZeroDivisionError
    assert log.found == []
