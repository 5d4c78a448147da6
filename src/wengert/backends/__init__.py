"""The libraries that PyTorch computes with, as programs ask for them: NumPy takes their place, none is there."""

from __future__ import annotations

from . import cuda as cuda
from . import cudnn as cudnn
from . import mkl as mkl
from . import mps as mps
from . import openmp as openmp
