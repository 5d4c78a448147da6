"""PyTorch's name of ``wengert.data``: importing it, or a module below it, gives the modules of that package themselves."""

from __future__ import annotations

import sys

from .. import data
from ..data import dataloader, dataset, distributed, sampler

sys.modules[__name__] = data
for _module in (dataloader, dataset, distributed, sampler):
    sys.modules[f"{__name__}.{_module.__name__.rpartition('.')[2]}"] = _module
