"""Schedules of learning rates, with PyTorch's names, numbers and state dicts.

Example:
    >>> import wengert as wg
    >>> p = wg.tensor([1.0], requires_grad=True)
    >>> optimizer = wg.optim.SGD([p], lr=1.0)
    >>> scheduler = wg.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
"""

from __future__ import annotations

from ._schedule import LRScheduler as LRScheduler
from ._schedule_composed import ChainedScheduler as ChainedScheduler
from ._schedule_composed import SequentialLR as SequentialLR
from ._schedule_cyclic import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from ._schedule_cyclic import CyclicLR as CyclicLR
from ._schedule_cyclic import OneCycleLR as OneCycleLR
from ._schedule_plateau import ReduceLROnPlateau as ReduceLROnPlateau
from ._schedule_simple import ConstantLR as ConstantLR
from ._schedule_simple import CosineAnnealingLR as CosineAnnealingLR
from ._schedule_simple import ExponentialLR as ExponentialLR
from ._schedule_simple import LambdaLR as LambdaLR
from ._schedule_simple import LinearLR as LinearLR
from ._schedule_simple import MultiplicativeLR as MultiplicativeLR
from ._schedule_simple import MultiStepLR as MultiStepLR
from ._schedule_simple import PolynomialLR as PolynomialLR
from ._schedule_simple import StepLR as StepLR

_LRScheduler = LRScheduler
"""The base's older name in PyTorch, which libraries still check against."""
