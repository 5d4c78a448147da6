"""What is timed, by group: small programs, each written once and run by every package that has the words for it."""

from __future__ import annotations

from typing import Final

from . import convolution, elementwise, higher, linear, overhead, training
from .workload import Workload

WORKLOADS: Final[list[Workload]] = [
    *overhead.WORKLOADS,
    *elementwise.WORKLOADS,
    *linear.WORKLOADS,
    *convolution.WORKLOADS,
    *training.WORKLOADS,
    *higher.WORKLOADS,
]
