"""Recurrent networks: layers over time, and single steps of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import errors
from .._core.modes import MODES, is_grad_enabled
from .._core.tensor_base import TensorBase
from .._record.general import general_many
from .dropout import plain_dropout
from .join import cat, stack
from .recurrent_layer import RecurrentLayer, Steps
from .recurrent_nodes import GruLayerBackward0, LstmLayerBackward0, RnnReluLayerBackward0, RnnTanhLayerBackward0

if TYPE_CHECKING:
    from .._tensor import Tensor


class Network:
    """Layers of one kind, as they are called.

    Attributes:
        kind: name of the operator.
        states: for LSTM first hidden and cell states, else the hidden ones: (layers * directions, sequences, width).
        params: the weights of each direction of each layer, and its biases and projection where there are some.
        layers, directions: their numbers.
        biased, projected: what ``params`` has.
        dropout: probability with which the inputs of all layers but the first are set to 0.
    """

    def __init__(self, kind: str, states: list[Tensor], params: list[Any], layers: int, directions: int) -> None:
        self.kind: str = kind
        self.states: list[Tensor] = states
        self.params: list[Any] = params
        self.layers: int = layers
        self.directions: int = directions
        self.biased: bool = False
        self.projected: bool = False
        self.dropout: float = 0.0

    def set_options(self, has_biases: bool, dropout: Any, train: bool) -> None:
        """The other arguments of a call; the number of parameters must fit them.

        Raises:
            RuntimeError: for too few states, or another number of parameters.
        """
        self.biased = has_biases
        self.dropout = float(dropout) if train else 0.0
        count = self.layers * self.directions
        each = 4 if has_biases else 2
        self.projected = self.kind == "lstm" and len(self.params) == count * (each + 1)
        if len(self.params) != count * each and not self.projected:
            raise RuntimeError(
                f"{self.kind} got an incorrect number of RNN parameters: {len(self.params)} for {count} directions of layers"
            )
        for state in self.states:
            if len(state.shp) != 3 or state.shp[0] < count:
                raise RuntimeError("Expected more hidden states in stacked_rnn")
            if state.shp[0] > count:
                raise RuntimeError(f"Expected hidden size {count} in dimension 0, got {errors.shape_text(state.shp)}")

    def run(self, rows: Tensor, sizes: list[int], shape: list[int] | None) -> list[Tensor]:
        """Results of the last layer for all rows, and the last states.

        Args:
            rows: (total, features), all steps one after the other.
            sizes: number of sequences at each step.
            shape: (steps, sequences) in which the random numbers of dropout are drawn; None for packed rows.
        """
        ends: list[list[Tensor]] = [[] for _ in self.states]
        first = [s.unbind(0) for s in self.states]
        steps = [Steps(sizes, False), Steps(sizes, True)]
        for layer in range(self.layers):
            if layer > 0 and self.dropout > 0:
                rows = plain_dropout(rows, self.dropout, True)
            outs: list[Tensor] = []
            for direction in range(self.directions):
                place = layer * self.directions + direction
                found = self.direction(rows, steps[direction], [s[place] for s in first], place)
                outs.append(found[0])
                for end, state in zip(ends, found[1:], strict=False):
                    end.append(state)
            rows = outs[0] if self.directions == 1 else cat(outs, 1)
        if shape is not None:
            rows = rows.view((*shape, rows.shp[1]))
        return [rows, *[end[0].unsqueeze(0) if len(end) == 1 else stack(end) for end in ends]]

    def direction(self, rows: Tensor, steps: Steps, first: list[Tensor], place: int) -> list[Tensor]:
        """Results of one direction of one layer: rows, last states."""
        each = (4 if self.biased else 2) + (1 if self.projected else 0)
        weights = self.params[place * each : (place + 1) * each]
        layer = new_layer(self.kind, steps, self.biased, self.projected)
        layer.exposed = self.directions == 1 and place == self.layers - 1 and is_grad_enabled()
        return run_layer(layer, [rows, *first, *weights])


def new_layer(kind: str, steps: Steps, biased: bool, projected: bool) -> RecurrentLayer:
    """The node of a direction of a layer."""
    if kind == "lstm":
        return LstmLayerBackward0(steps, biased, projected)
    if kind == "gru":
        return GruLayerBackward0(steps, biased, projected)
    return (
        RnnTanhLayerBackward0(steps, biased, projected)
        if kind == "rnn_tanh"
        else RnnReluLayerBackward0(steps, biased, projected)
    )


def run_layer(layer: RecurrentLayer, inputs: list[Any]) -> list[Tensor]:
    """Its results: at once where shapes and dtypes allow it, else from other operators, which know what is wrong."""
    if MODES.dual_level < 0 and layer.fits(inputs):
        return general_many(layer, inputs)
    return layer.composed(inputs)


def check_tensors(name: str, argument: str, place: int, values: Any) -> list[Any]:
    """A list of tensors.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(values, (list, tuple)):
        raise TypeError(
            f"{name}(): argument '{argument}' (position {place}) must be tuple of Tensors, not {type(values).__name__}"
        )
    for i, t in enumerate(values):
        if not isinstance(t, TensorBase):
            raise TypeError(
                f"{name}(): argument '{argument}' (position {place}) must be tuple of Tensors, but found element of type "
                f"{type(t).__name__} at pos {i}"
            )
    return list(values)


def run_network(name: str, args: list[Any]) -> tuple[Tensor, ...]:
    """``lstm`` and the others: both forms of their arguments.

    Args:
        name: of the operator.
        args: (input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first) or
            (data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional).
    """
    packed = isinstance(args[1], TensorBase) and (name == "lstm" or isinstance(args[2], TensorBase))
    data, batch_sizes, batch_first = args[0], None, False
    if packed:
        batch_sizes, args = args[1], [data, *args[2:]]
    else:
        batch_first = bool(args[8])
    hx = check_tensors(name, "hx", 2, args[1]) if name == "lstm" else [args[1]]
    if name == "lstm" and len(hx) != 2:
        raise RuntimeError("lstm expects two hidden states")
    if not isinstance(hx[0], TensorBase):
        raise errors.argument_type(name, "hx", 2, "Tensor", hx[0])
    network = Network(name, hx, check_tensors(name, "params", 3, args[2]), int(args[4]), 2 if args[7] else 1)
    network.set_options(bool(args[3]), args[5], bool(args[6]))
    if batch_sizes is not None:
        found = network.run(data, packed_sizes(data, batch_sizes), None)
        return tuple(found)
    if len(data.shp) != 3:
        raise RuntimeError(f"{name}: Expected a 3-D input, got {len(data.shp)}-D")
    if batch_first:
        data = data.transpose(0, 1)
    steps, batch, features = data.shp
    if steps == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    found = network.run(data.reshape((steps * batch, features)), [batch] * steps, [steps, batch])
    if batch_first:
        found[0] = found[0].transpose(0, 1)
    return tuple(found)


def packed_sizes(data: Tensor, batch_sizes: Any) -> list[int]:
    """The numbers of sequences at each step.

    Raises:
        RuntimeError: when they rise, or do not add up to the rows of ``data``.
    """
    sizes: list[int] = batch_sizes.tolist()
    if len(sizes) == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    if sizes != sorted(sizes, reverse=True) or sizes[-1] < 0 or sum(sizes) != data.shp[0]:
        raise RuntimeError(
            f"batch_sizes must not rise and must add up to the {data.shp[0]} rows of data, but got {sizes}"
        )
    return sizes


def lstm(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any,
) -> tuple[Tensor, ...]:
    """Layers of long short-term memory over sequences.

    For sequences of several lengths the arguments are (data, batch_sizes, hx, params, has_biases, num_layers, dropout,
    train, bidirectional), in this order.

    Args:
        input: (steps, sequences, features).
        hx: first hidden and cell states, (layers * directions, sequences, width) each.
        params: for each direction of each layer weight_ih, weight_hh, with ``has_biases`` bias_ih, bias_hh, and
            weight_hr if there are projections.
        has_biases: whether there are biases.
        num_layers: number of layers.
        dropout: probability with which the inputs of all layers but the first are set to 0.
        train: whether dropout takes place.
        bidirectional: whether each layer also runs backward in time.
        batch_first: whether ``input`` and the result are (sequences, steps, features).

    Returns:
        Hidden states of the last layer after all steps, and the last hidden and cell states of all layers.

    Raises:
        RuntimeError: for shapes, dtypes or numbers of tensors that do not fit.

    Source: Hochreiter and Schmidhuber 1997; Gers et al. 2000 for the forget gate; Sak et al. 2014 for projections.

    Variants: function
    """
    return run_network("lstm", [input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first])


def gru(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any,
) -> tuple[Tensor, ...]:
    """Layers of gated recurrent units over sequences; arguments as for ``lstm``, with one tensor ``hx``.

    Source: Cho et al. 2014.

    Variants: function
    """
    return run_network("gru", [input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first])


def rnn_tanh(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any,
) -> tuple[Tensor, ...]:
    """Recurrent layers with tanh over sequences; arguments as for ``gru``.

    Source: Elman 1990.

    Variants: function
    """
    return run_network(
        "rnn_tanh", [input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first]
    )


def rnn_relu(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: Any,
    num_layers: Any,
    dropout: Any,
    train: Any,
    bidirectional: Any,
    batch_first: Any,
) -> tuple[Tensor, ...]:
    """Recurrent layers with relu over sequences; arguments as for ``gru``.

    Variants: function
    """
    return run_network(
        "rnn_relu", [input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first]
    )


def run_cell(kind: str, input: Tensor, states: list[Tensor], weights: list[Any], biases: list[Any]) -> list[Tensor]:
    """The states after one step.

    Raises:
        RuntimeError: for shapes that do not fit.
    """
    width = weights[1].shp[-1]
    if len(input.shp) < 2:
        raise errors.dim_range(1, 1)
    if input.shp[1] != weights[0].shp[-1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shp[1]} expected {weights[0].shp[-1]}")
    for i, state in enumerate(states):
        if len(state.shp) < 2:
            raise errors.dim_range(1, len(state.shp))
        if state.shp[0] != input.shp[0]:
            raise RuntimeError(f"Input batch size {input.shp[0]} doesn't match hidden{i} batch size {state.shp[0]}")
        if state.shp[1] != width:
            raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {state.shp[1]}, expected {width}")
    given = [b for b in biases if b is not None]
    if len(given) == 1:
        biases = [given[0].new_zeros(given[0].shp) if b is None else b for b in biases]
    layer = new_layer(kind, Steps([input.shp[0]], False), len(given) > 0, False)
    return run_layer(layer, [input, *states, *weights, *(biases if len(given) > 0 else [])])[1 : 1 + len(states)]


def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, ...]:
    """One step of long short-term memory.

    Args:
        input: (sequences, features).
        hx: hidden and cell state, (sequences, width) each.
        w_ih: (4 * width, features), the gates in the order input, forget, cell, output.
        w_hh: (4 * width, width).
        b_ih, b_hh: (4 * width,).

    Returns:
        The next hidden and cell state.

    Raises:
        RuntimeError: for shapes that do not fit.

    Variants: function
    """
    states = check_tensors("lstm_cell", "hx", 2, hx)
    if len(states) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return tuple(run_cell("lstm", input, states, [w_ih, w_hh], [b_ih, b_hh]))


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """The next hidden state of a gated recurrent unit; arguments as for ``lstm_cell``, gates in the order reset, update, new.

    Variants: function
    """
    return run_cell("gru", input, [hx], [w_ih, w_hh], [b_ih, b_hh])[0]


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """tanh(input W_ih^T + b_ih + hx W_hh^T + b_hh).

    Variants: function
    """
    return run_cell("rnn_tanh", input, [hx], [w_ih, w_hh], [b_ih, b_hh])[0]


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """max(0, input W_ih^T + b_ih + hx W_hh^T + b_hh).

    Variants: function
    """
    return run_cell("rnn_relu", input, [hx], [w_ih, w_hh], [b_ih, b_hh])[0]
