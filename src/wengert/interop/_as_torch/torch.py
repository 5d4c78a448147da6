"""Found by ``import torch`` in a process that was started for a program with wengert as torch: makes it so there too."""

from __future__ import annotations

import os
import sys

from wengert.interop import install_torch

sys.path.remove(os.path.dirname(__file__))
del sys.modules["torch"]  # this module, which is not the one that the program wants
install_torch()
