"""Averages of a model's weights over the course of training."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from .._core.dtypes import int64
from .._gen import functions as F
from ..autograd.grad_mode import no_grad
from ..nn.batchnorm import _BatchNorm
from ..nn.module import Module
from ._schedule import LRScheduler, for_each_group
from .optimizer import Optimizer

Average = Callable[[Any, Any, Any], Any]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The function ``(average, current, count) -> decay average + (1 - decay) current``."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """The function ``(average, current, count) -> average + (current - average) / (count + 1)``."""

    @no_grad()
    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Average:
    """``get_ema_avg_fn`` for lists of tensors of one dtype, in place."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        for average, current in zip(ema_param_list, current_param_list):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Average:
    """``get_swa_avg_fn`` for lists of tensors of one dtype, in place."""

    @no_grad()
    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        for average, current in zip(averaged_param_list, current_param_list):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, float(1 / (num_averaged + 1)))
            else:
                average.copy_(average + (current - average) / (num_averaged + 1))

    return swa_update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's.

    Args:
        model: module that is being trained.
        device: accepted for PyTorch's sake.
        avg_fn: ``(average, current, count) -> average``; equal weights when both functions are left out.
        multi_avg_fn: the same for lists of tensors, in place.
        use_buffers: average the buffers too; otherwise they are copied.

    Source: Izmailov et al. 2018, Averaging weights leads to wider optima and better generalization.
    """

    n_averaged: Any

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Average | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if None not in (avg_fn, multi_avg_fn):
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.use_buffers = use_buffers
        self.avg_fn, self.multi_avg_fn = avg_fn, multi_avg_fn
        self.register_buffer("n_averaged", F.tensor(0, dtype=int64))
        self.module = deepcopy(model)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model returns."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's parameters into the averages; the first time they are copied."""
        mine, current = (_tensors(module, self.use_buffers) for module in (self.module, model))
        if self.n_averaged.item() == 0:
            for average, value in zip(mine, current):
                average.copy_(value)
        elif self.multi_avg_fn is not None:
            groups: defaultdict[Any, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
            for average, value in zip(mine, current):
                groups[average.dtype][0].append(average)
                groups[average.dtype][1].append(value)
            for averages, values in groups.values():
                self.multi_avg_fn(averages, values, self.n_averaged)
        else:
            update = self.avg_fn or get_swa_avg_fn()
            for average, value in zip(mine, current):
                average.copy_(update(average, value, self.n_averaged))
        if not self.use_buffers:
            both = (module.buffers() for module in (self.module, model))
            for average, value in zip(*both, strict=True):
                average.detach().copy_(value.detach())
        self.n_averaged += 1


def _tensors(module: Module, buffers: bool) -> list[Any]:
    """The parameters, and buffers if wanted, without history."""
    return [t.detach() for t in chain(module.parameters(), module.buffers() if buffers else ())]


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the statistics of all batch normalisations anew, as averages over the batches.

    Args:
        loader: batches: tensors, or sequences whose first element is the input.
        model: whose batch normalisations are meant.
        device: accepted for PyTorch's sake.
    """
    momenta: dict[Any, Any] = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for layer in momenta:
        layer.reset_running_stats()
        layer.momentum = None  # equal weights
    for batch in loader:
        model(batch[0] if isinstance(batch, list | tuple) else batch)
    for layer, momentum in momenta.items():
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """The rates go to ``swa_lr`` and stay there.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        swa_lr: last rate, one for each group or for all.
        anneal_epochs: number of steps until then.
        anneal_strategy: "cos" or "linear".

    Raises:
        ValueError: for options out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for lr, group in zip(for_each_group("swa_lr", optimizer, swa_lr), optimizer.param_groups):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not (isinstance(anneal_epochs, int) and anneal_epochs >= 0):
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs, self._anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """Which share of the way is gone after ``step``."""
        part = min(max(step / (self.anneal_epochs or 1), 0), 1)
        return (1 - math.cos(math.pi * part)) / 2 if self._anneal_strategy == "cos" else part

    def get_lr(self) -> list[Any]:
        """The rates of this step, from those of the last one."""
        self._warn_outside_step()
        step = max(self._step_count - 1, 0 if self.anneal_epochs else 1)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            last = group["swa_lr"]
            # The rate that the way began with; another schedule may have changed it in between.
            first = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            rates.append(last * now + first * (1 - now))
        return rates
