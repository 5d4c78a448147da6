"""Batching rules: a page for each family of operators."""

from __future__ import annotations

from . import backward_index as backward_index
from . import backward_layers as backward_layers
from . import backward_products as backward_products
from . import backward_views as backward_views
from . import create as create
from . import gradients as gradients
from . import index as index
from . import join as join
from . import linear_algebra as linear_algebra
from . import losses as losses
from . import matmul as matmul
from . import network as network
from . import pointwise as pointwise
from . import reduce as reduce
from . import shape as shape
from . import shifted as shifted
