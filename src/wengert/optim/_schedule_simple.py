"""Schedules whose rate depends on the number of the step only."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ._schedule import LRScheduler, saved_function, values
from .optimizer import Optimizer


class _ByFactor(LRScheduler):
    """Schedules in which each step multiplies all rates by one number, so that several of them can be combined."""

    def _factor(self) -> float:
        raise NotImplementedError

    def _closed_factor(self) -> float:
        """Product of all factors up to now."""
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        """The rates of this step, from those of the last one."""
        self._warn_outside_step()
        factor = self._factor()
        rates = values(self.optimizer, "lr")
        return rates if factor == 1 else [lr * factor for lr in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base_lr * self._closed_factor() for base_lr in self.base_lrs]


class _ByFunction(LRScheduler):
    """Schedules given by a function of the step's number, or one for each group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        count = len(optimizer.param_groups)
        self.lr_lambdas: list[Callable[[int], float]]
        if isinstance(lr_lambda, list | tuple):
            if len(lr_lambda) != count:
                raise ValueError(f"Expected {count} lr_lambdas, but got {len(lr_lambda)}")
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * count
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and plain functions; of callable objects their attributes."""
        return {**super().state_dict(), "lr_lambdas": [saved_function(function) for function in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a ``state_dict``; plain functions stay what they are."""
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            if attributes is not None:
                function.__dict__.update(attributes)


class LambdaLR(_ByFunction):
    """The rate at the start times ``lr_lambda(t)``.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        lr_lambda: function of the step's number, or a list with one for each group.
    """

    def get_lr(self) -> list[Any]:
        """The rates of this step."""
        self._warn_outside_step()
        return [base_lr * function(self.last_epoch) for function, base_lr in zip(self.lr_lambdas, self.base_lrs)]


class MultiplicativeLR(_ByFunction):
    """Each step multiplies the rate by ``lr_lambda(t)``.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        lr_lambda: function of the step's number, or a list with one for each group.
    """

    def get_lr(self) -> list[Any]:
        """The rates of this step, from those of the last one."""
        self._warn_outside_step()
        rates = values(self.optimizer, "lr")
        if self._is_initial:
            return rates
        return [lr * function(self.last_epoch) for function, lr in zip(self.lr_lambdas, rates)]


class StepLR(_ByFactor):
    """Every ``step_size`` steps the rate is multiplied by ``gamma``.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        step_size: number of steps.
        gamma: factor.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        return 1 if self.last_epoch == 0 or self.last_epoch % self.step_size != 0 else self.gamma

    def _closed_factor(self) -> float:
        return float(self.gamma ** (self.last_epoch // self.step_size))


class MultiStepLR(_ByFactor):
    """At each milestone the rate is multiplied by ``gamma``.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        milestones: numbers of steps; one that occurs twice counts twice.
        gamma: factor.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        return float(self.gamma ** self.milestones.get(self.last_epoch, 0))

    def _closed_factor(self) -> float:
        return float(self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch))


class ConstantLR(_ByFactor):
    """The rate times ``factor`` for ``total_iters`` steps, then the full rate.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        factor: in [0, 1].
        total_iters: number of steps.

    Raises:
        ValueError: for a factor out of range.
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        if self.last_epoch == 0:
            return self.factor
        return 1.0 / self.factor if self.last_epoch == self.total_iters else 1

    def _closed_factor(self) -> float:
        return self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)


class LinearLR(_ByFactor):
    """The factor of the rate changes along a line for ``total_iters`` steps, then stays.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        start_factor: in (0, 1].
        end_factor: in [0, 1].
        total_iters: number of steps.

    Raises:
        ValueError: for factors out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)

    def _closed_factor(self) -> float:
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters


class ExponentialLR(_ByFactor):
    """Each step multiplies the rate by ``gamma``.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        gamma: factor.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        return 1 if self._is_initial else self.gamma

    def _closed_factor(self) -> float:
        return float(self.gamma**self.last_epoch)


class PolynomialLR(_ByFactor):
    """The rate falls as ``(1 - t / total_iters)^power`` to 0.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        total_iters: number of steps.
        power: exponent.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _factor(self) -> float:
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1
        rest = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return float((rest / before) ** self.power)

    def _closed_factor(self) -> float:
        return float((1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """The rate falls along half a cosine to ``eta_min`` in ``T_max`` steps, and rises again after them.

    Args:
        optimizer, last_epoch: see ``LRScheduler``.
        T_max: number of steps.
        eta_min: lowest rate.

    Source: Loshchilov and Hutter 2017, SGDR: stochastic gradient descent with warm restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """The rates of this step, from those of the last one."""
        self._warn_outside_step()
        rates = values(self.optimizer, "lr")
        if self._is_initial:
            return rates
        if self._step_count == 1 and self.last_epoch > 0:
            return self._get_closed_form_lr()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the last rate was the lowest: no ratio to it
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base_lr - self.eta_min) * rise for base_lr, lr in zip(self.base_lrs, rates)]
        height, before = (1 + math.cos(math.pi * t / self.T_max) for t in (self.last_epoch, self.last_epoch - 1))
        return [height / before * (lr - self.eta_min) + self.eta_min for lr in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (base_lr - self.eta_min) * height / 2 for base_lr in self.base_lrs]
