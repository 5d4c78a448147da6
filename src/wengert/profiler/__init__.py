"""Where the time and the memory of a program go: ``profile`` and ``record_function``.

``wengert.autograd.profiler`` is the same under PyTorch's older name.
"""

from __future__ import annotations

from ._events import EventList as EventList
from ._events import FunctionEvent as FunctionEvent
from ._events import FunctionEventAvg as FunctionEventAvg
from ._events import Interval as Interval
from ._lines import LineAverage as LineAverage
from ._lines import LineAverages as LineAverages
from ._profile import ProfilerActivity as ProfilerActivity
from ._profile import profile as profile
from ._profile import record_function as record_function
from ._schedule import ProfilerAction as ProfilerAction
from ._schedule import schedule as schedule
from ._schedule import tensorboard_trace_handler as tensorboard_trace_handler

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "Interval",
    "LineAverage",
    "LineAverages",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "tensorboard_trace_handler",
]
