"""Checkpointing without a backward pass inside the backward pass: places in the graph, filled again by a replay.

Note [Checkpoint by replay]
    While a checkpointed function runs, every tensor that its nodes would save is replaced by a ``Place``; the ``Region``
    knows its places weakly, in the order of saving. The first place that the backward pass asks for starts a ``Replay``:
    the function runs again, and the n-th tensor it saves is what belongs in the n-th place. A replay belongs to the pass
    (``Task.scratch``), so that what nobody asked for goes when the pass ends; a value goes before that, with its place or
    when the node that read it has run.

    Regions nest by themselves: what a function is called with is saved like any tensor, through the hooks that are active
    around the call, so the inputs of an inner region are places of the outer one.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from .._core import errors, modes
from .._core.dtypes import Size, dtype
from .._core.graph import Node
from .._core.saved import Saved, change_of, save
from .._core.tensor_base import TensorBase, version_of
from ..autograd.grad_mode import enable_grad
from ..autograd.graph import saved_tensors_hooks
from . import _report as report

TIP = """
Tip: To see a more detailed error message, either pass `debug=True` to
`torch.utils.checkpoint.checkpoint(...)` or wrap the code block
with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to
enable checkpoint-debug mode globally.
"""
COUNT = "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation."
MORE = (
    "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original forward pass.\n"
)
KINDS = (
    "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during the forward "
    "pass."
)
TWICE = (
    "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. Performing two backward "
    "calls that overlap (i.e. require the same saved activation in order to compute gradients) is not allowed while under the "
    "torch.utils.checkpoint.GraphExecGroup context. If you are calling ctx.saved_tensors in backward, make sure to do so only "
    "once. Otherwise please open an issue with details on your use case."
)
MUTATED = "Tensor cached during selective activation checkpoint has been mutated"


class CheckpointError(RuntimeError):
    """The checkpointed function did something else when it ran for the second time."""

    __module__ = "wengert.utils.checkpoint"  # where users import it from, and so what tracebacks show


class Kept:
    """A value together with its version: a tensor that the graph reads later."""

    __slots__ = ("may_change", "tensor", "version")

    def __init__(self, tensor: Any, may_change: bool = False) -> None:
        self.tensor = tensor.detach()  # without its history: the node that makes it may be the one that saves it
        self.version = int(version_of(tensor))
        self.may_change = may_change

    def changed(self) -> bool:
        """Whether the value has been overwritten and should not have been."""
        return not self.may_change and int(version_of(self.tensor)) != self.version


class Place:
    """What the graph holds in place of a saved tensor; ``kept`` is its value if a policy wants it kept."""

    __slots__ = ("__weakref__", "index", "kept")

    def __init__(self, index: int, kept: Kept | None) -> None:
        self.index = index
        self.kept = kept


class Checkpoint(Node):
    """What the function is called with. Tensors are saved like those of a node, and this is the node in error messages."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.stamp(2)
        self.args = [self.keep(value) for value in args]
        self.kwargs = {name: self.keep(value) for name, value in kwargs.items()}

    def keep(self, value: Any) -> Any:
        """The stored form of one argument; tensors in lists, tuples and dictionaries are kept like others."""
        if isinstance(value, TensorBase):
            return save(value, self, False)
        if type(value) in (list, tuple):
            return type(value)(self.keep(v) for v in value)
        return {name: self.keep(v) for name, v in value.items()} if type(value) is dict else value

    def read(self, value: Any) -> Any:
        """One argument from its stored form.

        Raises:
            RuntimeError: when it was modified since the call.
        """
        if isinstance(value, Saved):
            return value.unpack(self)
        if type(value) in (list, tuple):
            return type(value)(self.read(v) for v in value)
        return {name: self.read(v) for name, v in value.items()} if type(value) is dict else value

    def give(self) -> tuple[list[Any], dict[str, Any]]:
        """All arguments, as the function takes them."""
        return [self.read(value) for value in self.args], {name: self.read(v) for name, v in self.kwargs.items()}


class Region:
    """One call of a checkpointed function.

    Args:
        rerun: runs the function as it was run first, with the same random numbers.
        arguments: what it was called with.
        describe: what must be the same about a tensor and its recomputed twin.
        early_stop: end a replay as soon as all places are filled.
        keeps: asked for every saved tensor, gives the value if it shall not be recomputed.
        debug: keep a log of what is saved.
    """

    def __init__(
        self,
        rerun: Callable[..., None],
        arguments: Checkpoint,
        describe: Callable[[Any], tuple[Any, ...]],
        early_stop: bool,
        keeps: Callable[[Any], Kept | None] | None,
        debug: bool,
    ) -> None:
        self.rerun = rerun
        self.arguments = arguments
        self.describe = describe
        self.early_stop = early_stop
        self.keeps = keeps
        self.log: list[str] | None = [] if debug else None
        self.places: list[weakref.ref[Place]] = []
        self.descriptions: list[tuple[Any, ...]] = []
        self.complete = False  # whether the first run is over

    def recording(self) -> saved_tensors_hooks:
        """Inside, saved tensors leave places behind."""
        return saved_tensors_hooks(self.pack, self.unpack)

    def finish(self) -> None:
        """The first run is over."""
        self.complete = True
        self.keeps = None  # it remembers what it kept

    def pack(self, x: Any) -> Place:
        """A place for a tensor."""
        place = Place(len(self.places), None if self.keeps is None else self.keeps(x))
        self.places.append(weakref.ref(place))
        self.descriptions.append(self.describe(x))
        if self.log is not None:
            self.log.append(report.entry(x))
        return place

    def unpack(self, place: Place) -> Any:
        """The tensor that belongs in a place."""
        if place.kept is not None:
            if place.kept.changed():
                change = change_of(place.kept.tensor.counter, place.kept.version) or errors.NOT_RECORDED
                raise RuntimeError(errors.with_hints(MUTATED, f"changed by: {change}"))
            return place.kept.tensor
        group = GraphExecGroup.current()
        task = modes.thread_modes().task
        replays = scratch_of(group if group is not None else task)
        replay = replays.get(self)
        if replay is not None and place not in replay.values:
            if group is not None:
                raise CheckpointError(TWICE)
            replay = None
        if replay is None:
            replay = self.replay()
            replays[self] = replay
        return replay.read(place, None if task is None else task.running)

    def replay(self) -> Replay:
        """Run the function again."""
        replay = Replay(self)
        try:
            replay.run()
        except CheckpointError as error:
            if self.log is None:
                raise
            raise CheckpointError(report.text(self.log, replay.log)) from error
        return replay


def scratch_of(owner: Any) -> dict[Any, Any]:
    """Where the replays of a pass (or a group of passes) are; outside of both nothing is remembered."""
    if owner is None:
        return {}
    if owner.scratch is None:
        owner.scratch = {}
    found: dict[Any, Any] = owner.scratch
    return found


class Enough(BaseException):
    """Ends a replay; not an Exception, so that the function's own ``except`` clauses let it pass."""


class Replay:
    """The values that one second run of a function gave."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.values: weakref.WeakKeyDictionary[Place, Kept] = weakref.WeakKeyDictionary()
        self.log: list[str] = []
        self.count = 0
        self.enough = Enough()
        alive = [place() for place in region.places]
        self.last = max((place.index for place in alive if place is not None and place.kept is None), default=-1)
        self.reader: Any = None
        self.being_read: weakref.WeakSet[Place] = weakref.WeakSet()

    def run(self) -> None:
        """Fill the places.

        Raises:
            CheckpointError: when the function saves other tensors than the first time.
        """
        args, kwargs = self.region.arguments.give()
        stopped = False
        try:
            with saved_tensors_hooks(self.pack, identity), enable_grad():
                self.region.rerun(*args, **kwargs)
        except Enough as enough:
            if enough is not self.enough:
                raise
            stopped = True
        self.enough.__traceback__ = None  # it holds the frames of the function, and with them its tensors
        self.check(stopped)

    def pack(self, x: Any) -> Any:
        """Put a tensor in its place; the graph of the replay keeps a detached twin, which makes no cycle."""
        region = self.region
        index = self.count
        self.count += 1
        if region.log is not None:
            self.log.append(report.entry(x))
        value = Kept(x)
        if index >= len(region.places):
            if region.complete:
                raise CheckpointError(MORE + TIP)
            return value.tensor  # backward() inside the function: the first run has not come that far yet
        place = region.places[index]()
        if place is not None and place.kept is None:
            self.values[place] = value
        if region.early_stop and index == self.last:
            raise self.enough
        return value.tensor

    def check(self, stopped: bool) -> None:
        """Compare what was saved now with what was saved first."""
        region = self.region
        if not stopped and self.count < len(region.places):
            raise CheckpointError(
                f"{COUNT}\nNumber of tensors saved during forward: {len(region.places)}\n"
                f"Number of tensors saved during recomputation: {self.count}.\n{TIP}"
            )
        different = ""
        for place, value in sorted(self.values.items(), key=lambda item: item[0].index):
            first, second = region.descriptions[place.index], region.describe(value.tensor)
            if first != second:
                different += (
                    f"tensor at position {place.index}:\nsaved metadata: {metadata(first)}\n"
                    f"recomputed metadata: {metadata(second)}\n"
                )
        if different:
            raise CheckpointError(f"{KINDS}\n{different}.\n{TIP}")

    def read(self, place: Place, reader: Any) -> Any:
        """The value in a place, for a node; what an earlier node has read is dropped."""
        value = self.values[place]
        if reader is not self.reader:
            for done in self.being_read:
                self.values.pop(done, None)
            self.being_read.clear()
            self.values[place] = value
            self.reader = reader
        self.being_read.add(place)
        if value.changed():
            raise overwritten(self.region.arguments, value)
        return value.tensor


def metadata(description: tuple[Any, ...]) -> dict[str, Any]:
    """What ``determinism_check="default"`` compares, as PyTorch writes it."""
    return dict(zip(("shape", "dtype", "device"), description, strict=True))


def overwritten(arguments: Checkpoint, value: Kept) -> RuntimeError:
    """The error of a function that writes over a tensor after it was saved."""
    t = value.tensor
    dt: dtype = t.dt
    shape: Size = t.shp
    change = change_of(t.counter, value.version)
    return errors.modified(arguments, dt, shape, "", int(version_of(t)), value.version, change)


def identity(x: Any) -> Any:
    """The unpack hook of a replay: inside of it, saved tensors are themselves."""
    return x


class GraphExecGroup:
    """Several backward passes that recompute each checkpointed region once between them.

    The passes must not need the same saved tensor twice. Without effect on ``use_reentrant=True``.

    Example:
        >>> with GraphExecGroup():  # doctest: +SKIP
        ...     loss1.backward(retain_graph=True)
        ...     loss2.backward()
    """

    def __init__(self) -> None:
        self.scratch: dict[Any, Any] | None = None

    def __enter__(self) -> GraphExecGroup:
        active = self.current()
        if active is not None:
            raise RuntimeError(f"GraphExecGroup contexts cannot be nested. Already inside group {active}")
        _GROUP.active = self
        return self

    def __exit__(self, *exc: object) -> None:
        _GROUP.active = None
        self.scratch = None

    @classmethod
    def current(cls) -> GraphExecGroup | None:
        """The group that this thread is in."""
        found: GraphExecGroup | None = getattr(_GROUP, "active", None)
        return found


_GROUP = threading.local()
