"""Rules of Taylor arithmetic: a page for each family of operators."""

from __future__ import annotations

from .. import _rules as _rules  # batching rules are used here
from . import elementwise as elementwise
from . import linalg as linalg
from . import linear as linear
from . import network as network
from . import piecewise as piecewise
from . import products as products
from . import reduce as reduce
