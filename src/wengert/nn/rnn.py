"""Recurrent layers and single steps of them."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from .._gen.functions import (
    empty,
    gru,
    gru_cell,
    lstm,
    lstm_cell,
    rnn_relu,
    rnn_relu_cell,
    rnn_tanh,
    rnn_tanh_cell,
    zeros,
)
from .._tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What recurrent layers share: parameters, and the checks of inputs and states.

    Args:
        mode: ``"LSTM"``, ``"GRU"``, ``"RNN_TANH"`` or ``"RNN_RELU"``.
        input_size: features of the input.
        hidden_size: features of the hidden state.
        num_layers: number of layers; each takes the states of the one before as its input.
        bias: False leaves the biases out.
        batch_first: whether input and output are (sequences, steps, features), not (steps, sequences, features).
        dropout: probability with which the inputs of all layers but the first are set to 0 in training.
        bidirectional: whether each layer also runs backward in time.
        proj_size: features to which LSTM projects its hidden state; 0 for no projection.

    Raises:
        TypeError, ValueError: for arguments out of range.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_arguments(dropout)
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                self._all_weights.append(self._make(layer, f"_l{layer}{suffix}", device, dtype))
        self.reset_parameters()

    def _check_arguments(self, dropout: Any) -> None:
        """Refuse arguments that are out of range."""
        if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):  # type: ignore[operator]
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and self.num_layers == 1:  # type: ignore[operator]
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
                f"greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name in ("input_size", "hidden_size"):
            value = getattr(self, name)
            if not isinstance(value, int):
                raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")

    def _make(self, layer: int, suffix: str, device: Any, dtype: Any) -> list[str]:
        """The parameters of one direction of one layer; their names."""
        rows = _GATES[self.mode] * self.hidden_size
        width = self.proj_size or self.hidden_size
        features = self.input_size if layer == 0 else width * (2 if self.bidirectional else 1)
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features), "weight_hh": (rows, width)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            setattr(self, name + suffix, Parameter(empty(shape, device=device, dtype=dtype)))
        return [name + suffix for name in shapes]

    def reset_parameters(self) -> None:
        """Uniform values between -1 / sqrt(hidden_size) and 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: the kernels that want parameters side by side are not for the CPU."""

    @property
    def _flat_weights_names(self) -> list[str]:
        """Names of all parameters, in order."""
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        """All parameters, in order."""
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters of each direction of each layer."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Refuse an input of another dtype or shape."""
        dtype = self._flat_weights[0].dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert input: input.to({dtype}), or "
                f"convert model: model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """(layers * directions, sequences, features) of the hidden state for an input."""
        count = int(batch_sizes[0]) if batch_sizes is not None else input.size(0 if self.batch_first else 1)
        return self.num_layers * (2 if self.bidirectional else 1), count, self.proj_size or self.hidden_size

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: Any, msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Refuse a state of another shape."""
        if tuple(hx.size()) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Refuse inputs and states that do not fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its sequences in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def _first(self, count: int, like: Tensor) -> Any:
        """States of zeros for ``count`` sequences."""
        layers = self.num_layers * (2 if self.bidirectional else 1)
        return zeros((layers, count, self.hidden_size), dtype=like.dtype)

    def _rows_added(self, input: Tensor, hx: Any) -> Any:
        """The state of a single sequence as that of several; refuses other numbers of dimensions."""
        if hx is not None and hx.dim() != input.dim():
            kind = "batched 3-D" if input.dim() == 3 else "unbatched 2-D"
            raise RuntimeError(f"For {kind} input, hx should also be {input.dim()}-D but got {hx.dim()}-D tensor")
        return hx if hx is None or input.dim() == 3 else hx.unsqueeze(1)

    def _alone(self, hidden: Any) -> Any:
        """The state of several sequences as that of a single one."""
        return hidden.squeeze(1)

    def _call(self, *args: Any) -> Any:
        """Run the operator; the result and the last state."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The hidden states of the last layer at all steps, and the last states of all layers.

        Args:
            input: (steps, sequences, input_size), (sequences, steps, input_size) with ``batch_first``, (steps, input_size) for
                a single sequence, or a ``PackedSequence``.
            hx: first states, of shape (layers * directions, sequences, features); zeros when not given. A pair for LSTM.

        Raises:
            ValueError, RuntimeError: for shapes or dtypes that do not fit.
        """
        options = (self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if isinstance(input, PackedSequence):
            data, sizes, order, back = input
            hx = self._first(int(sizes[0]), data) if hx is None else self.permute_hidden(hx, order)
            self.check_forward_args(data, hx, sizes)
            out, hidden = self._call(data, sizes, hx, self._flat_weights, *options)
            return PackedSequence(out, sizes, order, back), self.permute_hidden(hidden, back)
        if input.dim() not in (2, 3):
            word = " tensor" if self.mode.startswith("RNN") else ""
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D{word} instead")
        hx, single = self._rows_added(input, hx), input.dim() == 2
        rows = 0 if self.batch_first else 1
        if single:
            input = input.unsqueeze(rows)
        if hx is None:
            hx = self._first(input.size(rows), input)
        self.check_forward_args(input, hx, None)
        out, hidden = self._call(input, hx, self._flat_weights, *options, self.batch_first)
        return (out.squeeze(rows), self._alone(hidden)) if single else (out, hidden)

    def extra_repr(self) -> str:
        """Those arguments that are not the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text


class RNN(RNNBase):
    """Recurrent layers h' = tanh(W_ih x + b_ih + W_hh h + b_hh); arguments as for ``RNNBase``.

    Args:
        nonlinearity: ``"tanh"`` or ``"relu"``, the fourth argument by position.

    Raises:
        ValueError: for another one.

    Source: Elman 1990.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity

    def _call(self, *args: Any) -> Any:
        return rnn_tanh(*args) if self.mode == "RNN_TANH" else rnn_relu(*args)


class LSTM(RNNBase):
    """Layers of long short-term memory; arguments as for ``RNNBase``.

    c' = f c + i g and h' = o tanh(c'), where i, f, o are logistic functions and g is the tanh of
    W_ih x + b_ih + W_hh h + b_hh.

    Source: Hochreiter and Schmidhuber 1997; Sak et al. 2014 for projections.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """(layers * directions, sequences, features) of the cell state for an input."""
        layers, count, _ = self.get_expected_hidden_size(input, batch_sizes)
        return layers, count, self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Refuse inputs and states that do not fit."""
        self.check_input(input, batch_sizes)
        expected = (
            self.get_expected_hidden_size(input, batch_sizes),
            self.get_expected_cell_size(input, batch_sizes),
        )
        for i in range(2):
            self.check_hidden_size(hidden[i], expected[i], f"Expected hidden[{i}] size {{}}, got {{}}")

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The states with their sequences in another order."""
        if permutation is None:
            return hx
        return super().permute_hidden(hx[0], permutation), super().permute_hidden(hx[1], permutation)

    def _first(self, count: int, like: Tensor) -> Any:
        cells = super()._first(count, like)
        return cells[..., : self.proj_size or self.hidden_size], cells

    def _rows_added(self, input: Tensor, hx: Any) -> Any:
        if hx is None:
            return None
        h, c = hx[0], hx[1]
        if h.dim() != input.dim() or c.dim() != input.dim():
            kind = "batched 3-D" if input.dim() == 3 else "unbatched 2-D"
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {input.dim()}-D but got ({h.dim()}-D, {c.dim()}-D) tensors"
            )
        return (h, c) if input.dim() == 3 else (h.unsqueeze(1), c.unsqueeze(1))

    def _alone(self, hidden: Any) -> Any:
        return hidden[0].squeeze(1), hidden[1].squeeze(1)

    def _call(self, *args: Any) -> Any:
        output, hidden, cell = lstm(*args)
        return output, (hidden, cell)


class GRU(RNNBase):
    """Layers of gated recurrent units; arguments as for ``RNNBase``.

    h' = (1 - z) n + z h, where r and z are logistic functions of W_ih x + b_ih + W_hh h + b_hh and
    n = tanh(W_in x + b_in + r (W_hn h + b_hn)).

    Source: Cho et al. 2014.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def _call(self, *args: Any) -> Any:
        return gru(*args)


class RNNCellBase(Module):
    """What single steps share: their parameters.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: False leaves the biases out.
        num_chunks: number of gates.
    """

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(empty((rows,), device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform values between -1 / sqrt(hidden_size) and 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """Those arguments that are not the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        if "bias" in self.__dict__ and self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def _check(self, what: str, value: Tensor) -> None:
        """Refuse other numbers of dimensions."""
        if value.dim() not in (1, 2):
            raise ValueError(f"{type(self).__name__}: Expected {what} to be 1D or 2D, got {value.dim()}D instead")

    def _state(self, input: Tensor, hx: Tensor | None) -> Tensor:
        """The given state, or zeros, with a dimension of sequences."""
        if hx is None:
            count = input.size(0) if input.dim() == 2 else 1
            return zeros((count, self.hidden_size), dtype=input.dtype)
        return hx if input.dim() == 2 else hx.unsqueeze(0)

    def _step(self, input: Tensor, hx: Tensor | None) -> Tensor:
        """The next state of a cell with one state."""
        self._check("input", input)
        if hx is not None:
            self._check("hidden", hx)
        rows = input if input.dim() == 2 else input.unsqueeze(0)
        weights = (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        out = self._call(rows, self._state(input, hx), *weights)
        return out if input.dim() == 2 else out.squeeze(0)

    def _call(self, *args: Any) -> Tensor:
        """Run the operator."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class RNNCell(RNNCellBase):
    """One step of ``RNN``.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: False leaves the biases out.
        nonlinearity: ``"tanh"`` or ``"relu"``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state, from input (sequences, input_size) or (input_size,) and state.

        Raises:
            RuntimeError: for another nonlinearity, or shapes that do not fit.
        """
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(input, hx)

    def _call(self, *args: Any) -> Tensor:
        return rnn_tanh_cell(*args) if self.nonlinearity == "tanh" else rnn_relu_cell(*args)


class LSTMCell(RNNCellBase):
    """One step of ``LSTM``.

    Args:
        input_size: features of the input.
        hidden_size: features of the states.
        bias: False leaves the biases out.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The next hidden and cell state, from input (sequences, input_size) or (input_size,) and both states."""
        self._check("input", input)
        for i, state in enumerate(hx or ()):
            self._check(f"hx[{i}]", state)
        rows = input if input.dim() == 2 else input.unsqueeze(0)
        states = [self._state(input, None if hx is None else hx[i]) for i in range(2)]
        h, c = lstm_cell(rows, states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return (h, c) if input.dim() == 2 else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of ``GRU``.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: False leaves the biases out.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state, from input (sequences, input_size) or (input_size,) and state."""
        return self._step(input, hx)

    def _call(self, *args: Any) -> Tensor:
        return gru_cell(*args)
