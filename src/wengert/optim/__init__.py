"""Optimizers with PyTorch's names, options, numbers and state dicts.

Example:
    >>> import wengert as wg
    >>> p = wg.tensor([4.0], requires_grad=True)
    >>> optimizer = wg.optim.SGD([p], lr=0.5)
    >>> loss = (p * p).sum()
    >>> loss.backward()
    >>> optimizer.step()
    >>> p
    tensor([0.], requires_grad=True)
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any as _Any

from . import lr_scheduler as lr_scheduler
from .adadelta import Adadelta as Adadelta
from .adafactor import Adafactor as Adafactor
from .adagrad import Adagrad as Adagrad
from .adam import Adam as Adam
from .adamax import Adamax as Adamax
from .adamw import AdamW as AdamW
from .asgd import ASGD as ASGD
from .lbfgs import LBFGS as LBFGS
from .muon import Muon as Muon
from .nadam import NAdam as NAdam
from .optimizer import Optimizer as Optimizer
from .radam import RAdam as RAdam
from .rmsprop import RMSprop as RMSprop
from .rprop import Rprop as Rprop
from .sgd import SGD as SGD


def __getattr__(name: str) -> _Any:
    """Import ``swa_utils``, which needs ``nn``, on first use."""
    if name == "swa_utils":
        return _import_module(f"{__name__}.swa_utils")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
