"""Every operator under ``vmap`` gives what a loop over the batch gives; a loop inside it is left to a list."""

from __future__ import annotations

from typing import Final

import wengert as wg
from tests.ops.families import all_samples
from tests.ops.harness import missing
from tests.ops.mapped import LOOP, REFUSED, RULE, outcome
from tests.ops.sample import Sample
from wengert.func._dispatch import words

LOOPS: Final = set(
    words("""
    as_strided_scatter corrcoef ctc_loss embedding embedding_bag fill_diagonal_ geqrf gradient hash_tensor histc histogram
    histogramdd index_put index_reduce istft linalg.ldl_factor linalg.ldl_solve linalg.lstsq linalg.lu_factor_ex
    linalg.lu_solve linalg.pinv linalg.solve_ex linalg.tensorinv linalg.tensorsolve lu lu_unpack multinomial
    native_batch_norm native_group_norm native_layer_norm new_empty_strided nn.functional.cross_entropy
    nn.functional.ctc_loss nn.functional.dropout2d nn.functional.dropout3d nn.functional.embedding_bag
    nn.functional.feature_alpha_dropout nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool3d
    nn.functional.instance_norm nn.functional.linear_cross_entropy nn.functional.multi_head_attention_forward
    nn.functional.multi_margin_loss nn.functional.multilabel_margin_loss nn.functional.nll_loss
    nn.functional.triplet_margin_with_distance_loss nonzero_static normal ormqr pca_lowrank quantile repeat_interleave
    setitem stft svd_lowrank linalg.householder_product
    """)
)
"""Operators that compute one sample after the other, some of them only for some kinds of arguments."""


def chosen() -> list[Sample]:
    """Two samples of every operator: the first one, and the last one (where the arguments are less common)."""
    found: dict[str, list[Sample]] = {}
    for sample in all_samples():
        if sample.inputs and not missing(wg, sample.op):
            found.setdefault(sample.op, []).append(sample)
    return [s for samples in found.values() for s in {samples[0].id: samples[0], samples[-1].id: samples[-1]}.values()]


def test_every_operator_under_vmap_gives_what_a_loop_gives() -> None:
    outcomes = {s.id: (s.op, outcome(wg, s)) for s in chosen()}
    wrong = {text: how for text, (_, how) in outcomes.items() if how not in ("", RULE, LOOP, REFUSED)}
    assert wrong == {}
    assert {op for op, how in outcomes.values() if how == LOOP} <= LOOPS
    assert sum(how == RULE for _, how in outcomes.values()) > 900
