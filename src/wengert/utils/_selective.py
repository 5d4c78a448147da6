"""Selective checkpointing: a policy says which results are kept and which are recomputed."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .._core.graph import Node
from ..autograd.function import BackwardCFunction
from ._region import Kept

SAC_IGNORED_OPS: set[str] = (
    set()
)  # PyTorch's policies never see detach() and queries of metadata; here they make no node


class CheckpointPolicy(enum.Enum):
    """What becomes of an operator's result: kept from the first run, or recomputed.

    Everything is in main memory here, so the two ``CPU_OFFLOAD`` policies keep it as the ``SAVE`` ones do.
    """

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


RECOMPUTED = (CheckpointPolicy.MUST_RECOMPUTE, CheckpointPolicy.PREFER_RECOMPUTE)


class SelectiveCheckpointContext:
    """First argument of a policy.

    Attributes:
        is_recompute: always False, the policy is asked in the first run only.
        op_output: the result in question.
    """

    def __init__(self, *, is_recompute: bool, op_output: Any = None) -> None:
        self.is_recompute = is_recompute
        self.op_output = op_output


class Selection:
    """Context of the first run; the checkpoint reads the policy from it."""

    def __init__(self, policy: Callable[..., Any], allow_mutation: bool) -> None:
        self.policy = policy
        self.allow_mutation = allow_mutation

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, *exc: object) -> None:
        """Nothing to do."""

    def of_call(self, start: int) -> Callable[[Any], Kept | None]:
        """The question that the region of one call asks for every tensor it saves; asked once per result.

        Args:
            start: nodes with a larger sequence number belong to the call.
        """
        answers: dict[tuple[int, int], Kept | None] = {}

        def keeps(x: Any) -> Kept | None:
            node = x.grad_fn
            if node is None and not x.requires_grad:
                return None
            if node is None or node.sequence <= start:
                return Kept(x)  # it is there anyway: a second run needs it
            key = (int(node.sequence), int(x.nr))
            if key not in answers:
                answers[key] = self.ask(node, x)
            return answers[key]

        return keeps

    def ask(self, node: Node, x: Any) -> Kept | None:
        """Ask the policy about one result."""
        answer = self.policy(SelectiveCheckpointContext(is_recompute=False, op_output=x), operator_of(node))
        if answer is True or (isinstance(answer, CheckpointPolicy) and answer not in RECOMPUTED):
            return Kept(x, self.allow_mutation)
        return None


def operator_of(node: Node) -> str:
    """``"mm"`` for an ``MmBackward0``, ``"log_softmax"``; the name of the class for a custom Function."""
    if isinstance(node, BackwardCFunction):
        return str(node.forward_cls.__name__)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(node).__name__.split("Backward")[0]).lower()


def create_selective_checkpoint_contexts(
    policy_fn_or_list: Any, allow_cache_entry_mutation: bool = False
) -> tuple[Selection, AbstractContextManager[None]]:
    """The two contexts that ``context_fn`` of ``checkpoint`` returns to keep some results and recompute the others.

    Args:
        policy_fn_or_list: ``policy(ctx, op)`` that returns a ``CheckpointPolicy`` (or True to keep), asked once for each
            result inside the region that some derivative reads; ``op`` is the operator's name, such as ``"mm"`` or
            ``"log_softmax"``: ``grad_fn.name()`` in lower case without ``Backward0``. Or a list of operators whose results
            are kept, by name or as functions (``[torch.mm]``).
        allow_cache_entry_mutation: do not refuse kept values that were overwritten.

    Returns:
        Context of the first run, context of the recomputation.

    Raises:
        TypeError: for anything else.
        ValueError: when an entry of the list is no operator.

    Source: PyTorch's function of this name. There the policy sees every operator, its arguments, and an ``OpOverload``, and
        kept results are not computed again. Here they are if something that must be recomputed comes after them, so
        keeping everything after some point saves time, keeping single results saves none; and ``backward`` may run twice.
    """
    if isinstance(policy_fn_or_list, list):
        names = {operator_name(op) for op in policy_fn_or_list}

        def policy(ctx: SelectiveCheckpointContext, op: str) -> CheckpointPolicy:
            return CheckpointPolicy.MUST_SAVE if op in names else CheckpointPolicy.PREFER_RECOMPUTE

    elif callable(policy_fn_or_list):
        policy = policy_fn_or_list
    else:
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    return Selection(policy, allow_cache_entry_mutation), nullcontext()


def operator_name(op: Any) -> str:
    """Name of an operator given by name or as a function."""
    if isinstance(op, str):
        return op
    name = getattr(op, "__name__", None)
    if not callable(op) or not isinstance(name, str):
        raise ValueError(f"Expected op in `op_list` to be an OpOverload but got: {op} of type {type(op)}. ")
    return name
