"""Softmax over many classes, the rare ones in clusters."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from .._gen.functions import cat, where
from .._tensor import Tensor
from . import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])
CUTOFFS = (
    "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is between 1 "
    "and n_classes-1"
)


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax whose frequent classes have weights of their own and whose rare ones share narrower ones.

    Args:
        in_features: last size of the input.
        n_classes: number of classes, the frequent ones first.
        cutoffs: where each cluster of rarer classes begins.
        div_value: each cluster is narrower by this factor than the one before.
        head_bias: whether the head has a bias.

    Raises:
        ValueError: unless the cutoffs rise between 1 and n_classes - 1.

    Source: Grave et al. 2017.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Any,
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cuts = list(cutoffs)
        if not cuts:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        bad = cuts != sorted(set(cuts)) or min(cuts) <= 0 or max(cuts) > n_classes - 1
        if bad or any(int(c) != c for c in cuts):
            raise ValueError(CUTOFFS)
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cuts, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width = int(in_features // (div_value ** (i + 1)))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, width, bias=False, device=device, dtype=dtype),
                    Linear(width, size, bias=False, device=device, dtype=dtype),
                )
            )

    def reset_parameters(self) -> None:
        """New first values everywhere."""
        self.head.reset_parameters()
        for first, second in self.tail:  # type: ignore[attr-defined]
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> Any:
        """Log probability of each target, and the mean loss.

        Args:
            input_: (rows, in_features) or (in_features,).
            target_: int64 (rows,) or ().
        """
        self._check_shapes(input_, target_)
        batched = target_.dim() > 0
        rows = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        if target.numel() and (int(target.min()) < 0 or int(target.max()) >= self.n_classes):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range [{target.min().item()}, "
                f"{target.max().item()}] were found. "
            )
        log_head = F.log_softmax(self.head(rows), dim=1)
        column = target
        parts: list[tuple[Tensor, Tensor]] = []
        for i, cluster in enumerate(self.tail):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            places = ((target >= low) & (target < high)).nonzero().squeeze(1)
            column = where((target >= low) & (target < high), self.shortlist_size + i, column)
            if places.numel():
                inner = F.log_softmax(cluster(rows.index_select(0, places)), dim=1)
                parts.append((places, inner.gather(1, (target.index_select(0, places) - low).unsqueeze(1)).squeeze(1)))
        output = log_head.gather(1, column.unsqueeze(1)).squeeze(1)
        for places, inner in parts:
            output = output.index_add(0, places, inner)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    @staticmethod
    def _check_shapes(input_: Tensor, target: Tensor) -> None:
        """Refuse inputs and targets that do not go together."""
        if target.dim() == 1:
            if input_.size(0) != target.size(0):
                raise RuntimeError("Input and target should have the same size in the batch dimension.")
            if input_.dim() != 2:
                raise RuntimeError(
                    f"1D target tensor expects 2D input tensors, but found inputs with size {input_.size()}"
                )
        elif target.dim() == 0:
            if input_.dim() != 1:
                raise RuntimeError(
                    f"0D target tensor expects 1D input tensors, but found inputs with size {input_.size()}"
                )
        else:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")

    def log_prob(self, input: Tensor) -> Tensor:
        """Log probabilities of all classes, of shape (rows, n_classes)."""
        log_head = F.log_softmax(self.head(input), dim=1)
        parts = [log_head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            share = log_head[:, self.shortlist_size + i].unsqueeze(1)
            parts.append(F.log_softmax(cluster(input), dim=1) + share)
        return cat(parts, dim=1)

    def predict(self, input: Tensor) -> Tensor:
        """The class of the largest probability in each row."""
        return self.log_prob(input).argmax(dim=1)
