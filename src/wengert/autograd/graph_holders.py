"""Who keeps a graph alive: the names in the program from which it can be reached.

The search asks the garbage collector who refers to whom, and goes upwards from the graph: first within graphs (tensors and
nodes computed from it hold it too), then through the program's containers and objects until there is a name.
"""

from __future__ import annotations

import gc
import inspect
import os
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from .._core.graph import Node
from .._core.tensor_base import TensorBase
from ..kernels.elders import collected_objects
from .graph_memory import aligned, node_behind, sources_of, values_of

LEVELS: Final = 10  # containers within containers that are searched for a name
SHOWN: Final = 30
SUSPENDED: Final = (types.GeneratorType, types.CoroutineType)


@dataclass(frozen=True)
class Holder:
    """A name that keeps the graph alive.

    Attributes:
        kind: ``"local"``, ``"global"``, ``"closure"``, ``"attribute"`` (of a class), ``"default"`` (of an argument), or
            ``"unnamed"`` for an object that was found from nowhere: held by C code, or garbage not collected yet.
        name: expression such as ``loss`` or ``trainer.losses[3]``.
        place: function and line, or file, of the name.
        holds: the tensor or node at its end.
    """

    kind: str
    name: str
    place: str
    holds: str


@dataclass(frozen=True)
class Holders:
    """Result of ``holders``, a sequence of ``Holder``; printing it gives a table."""

    rows: tuple[Holder, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Holder]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Holder:
        return self.rows[index]

    def __str__(self) -> str:
        if not self.rows:
            return "nothing found that keeps the graph alive"
        cells: list[tuple[str, ...]] = [("kind", "kept alive by", "where", "holds")]
        cells += [(row.kind, row.name, row.place, row.holds) for row in self.rows[:SHOWN]]
        more = f"\n... and {len(self) - SHOWN} more" if len(self) > SHOWN else ""
        return aligned(cells) + more

    __repr__ = __str__


@dataclass(frozen=True)
class _Lead:
    """An object from which the graph is reached by ``steps``, such as ``[3].grad``.

    ``key`` is set for dictionaries and sequences, whose owner decides how to say it: as ``[key]``, or as a name of its own.
    """

    thing: Any
    steps: str
    holds: str
    key: Any = None

    def path(self) -> str:
        """All steps, when the owner has no name for ``key``."""
        return self.steps if self.key is None else f"[{self.key!r}]{self.steps}"


def holders(t_or_node: Any) -> Holders:
    """The names in the program that keep a graph alive.

    Variables of all running functions and of suspended generators, module globals, class attributes, closures and default
    arguments are found, through lists, dictionaries and objects. So is whatever holds a tensor computed from the graph,
    or a leaf whose ``.grad`` is part of it.

    Args:
        t_or_node: tensor of any shape and dtype, or node: the graph behind it is the one that is asked for.

    Raises:
        TypeError: for anything else.

    Example:
        >>> import wengert
        >>> x = wengert.ones(3, requires_grad=True)
        >>> losses = []
        >>> def step():
        ...     loss = (x * x).sum()
        ...     losses.append(loss)
        >>> step()
        >>> found = holders(losses[0].grad_fn)
        >>> any("losses" in h.name and h.name.endswith("[0]") for h in found)
        True
    """
    root = node_behind(t_or_node, "holders")
    variables = _variables()
    objects = collected_objects()  # taken before the search makes objects of its own
    search = _Search(_within_graphs(root, objects), objects, variables)
    rows = search.run()
    rows.sort(key=lambda row: (row.kind == "unnamed", row.kind, row.place, row.name))
    return Holders(tuple(rows))


def _within_graphs(root: Node | TensorBase, objects: list[Any]) -> dict[int, _Lead]:
    """By id: the tensors and nodes from which ``root`` is reached through graphs alone."""
    parents: dict[int, list[tuple[Any, str]]] = {}
    for thing in objects:
        if _is(thing, Node):
            for child in values_of(thing):
                if isinstance(child, (Node, TensorBase)):
                    parents.setdefault(id(child), []).append((thing, ""))
        elif _is(thing, TensorBase):
            for source in sources_of(thing):
                parents.setdefault(id(source), []).append((thing, ""))
            grad = None if thing.meta is None else thing.meta.grad
            if grad is not None:
                parents.setdefault(id(grad), []).append((thing, ".grad"))
    found = {id(root): _Lead(root, "", describe(root))}
    queue = deque(found.values())
    while queue:
        lead = queue.popleft()
        for parent, step in parents.get(id(lead.thing), ()):
            if id(parent) not in found:
                inner = lead if step else _Lead(parent, "", describe(parent))
                found[id(parent)] = new = _Lead(parent, step + inner.steps, inner.holds)
                queue.append(new)
    return found


def _is(thing: Any, kind: Any) -> bool:
    """``isinstance`` for any object there is: it asks the type only, as a ``__class__`` may do anything."""
    return issubclass(type(thing), kind)


def describe(thing: Node | TensorBase) -> str:
    """A tensor or node in a few words, without a reference to it."""
    if isinstance(thing, Node):
        return f"node {thing.name()}"
    origin = "leaf" if thing.fn is None else f"from {thing.fn.name()}"
    return f"tensor {list(thing.shp)}, {origin}"


class _Search:
    """Goes up from the graph until everything has a name."""

    def __init__(
        self, graph: dict[int, _Lead], objects: list[Any], variables: dict[int, list[tuple[str, str]]]
    ) -> None:
        self.graph = graph
        self.objects = objects
        self.variables = variables
        self.modules = {id(vars(m)): name for name, m in list(sys.modules.items()) if _is(m, types.ModuleType)}
        self.leads = graph
        self.above: dict[int, _Lead] = {}
        self.all: dict[int, _Lead] = {}
        self.inside: dict[int, set[int]] = {}  # what the objects on the way refer to
        self.named: set[int] = set()
        self.rows: list[Holder] = []

    def run(self) -> list[Holder]:
        """All names, level by level."""
        for _ in range(LEVELS):
            self.above = {}
            for key, lead in self.leads.items():
                for name, place in self.variables.get(key, ()):
                    self.add("local", name + lead.path(), place, lead)
            for thing in self.objects:
                hits = {id(r): r for r in gc.get_referents(thing) if id(r) in self.leads}
                if id(thing) in self.graph:
                    self.named.update(hits)  # a part of tensors and nodes
                elif hits:
                    self.visit(thing, hits)
            self.leads = self.above
            if not self.leads:
                break
        self.report_unnamed()
        return list(dict.fromkeys(self.rows))

    def report_unnamed(self) -> None:
        """Objects that hold the graph and that no name leads to: the outermost ones, or those next to the graph in a cycle."""
        named = self.below(self.named)
        unnamed = self.all.keys() - named
        held = {hit for key in unnamed for hit in self.inside[key] if hit != key}
        outermost = unnamed - held
        next_to_graph = {key for key in unnamed if not self.inside[key].isdisjoint(self.graph)}
        for key in outermost | (next_to_graph - self.below(outermost)):
            lead = self.all[key]
            if not isinstance(lead.thing, types.CellType):  # a variable of a running function, reported as such
                self.add("unnamed", f"<{type(lead.thing).__qualname__} object>{lead.path()}", "", lead)

    def below(self, keys: set[int]) -> set[int]:
        """The objects on the way from ``keys`` to the graph."""
        found = set(keys)
        stack = list(keys)
        while stack:
            for hit in self.inside.get(stack.pop(), ()):
                if hit not in found:
                    found.add(hit)
                    stack.append(hit)
        return found

    def add(self, kind: str, name: str, place: str, lead: _Lead) -> None:
        """One more name."""
        self.rows.append(Holder(kind, name, place, lead.holds))
        self.named.add(id(lead.thing))

    def push(self, thing: Any, steps: str, lead: _Lead, key: Any = None) -> None:
        """Go on from ``thing``, from which ``lead`` is reached, once."""
        self.inside.setdefault(id(thing), set()).add(id(lead.thing))
        if id(thing) not in self.all:
            self.all[id(thing)] = self.above[id(thing)] = _Lead(thing, steps, lead.holds, key)

    def visit(self, thing: Any, hits: dict[int, Any]) -> None:
        """An object that refers to what we look for: a name, or a step on the way to one."""
        for kind, handler in HANDLERS:
            if _is(thing, kind):
                handler(self, thing, hits)
                return
        self.from_instance(thing, hits)

    def from_dict(self, space: dict[Any, Any], hits: dict[int, Any]) -> None:
        """Globals of a module, or any other dictionary."""
        module = self.modules.get(id(space))
        for key, value in list(space.items()):
            lead = self.leads.get(id(value))
            if lead is not None and module is not None:
                self.add("global", str(key) + lead.path(), _module_place(module, space), lead)
            elif lead is not None:
                self.push(space, lead.path(), lead, key)
        for hit in set(hits) - set(map(id, space.values())):
            self.push(space, f".<key>{self.leads[hit].path()}", self.leads[hit])

    def from_sequence(self, items: Any, hits: dict[int, Any]) -> None:
        """A list, tuple or deque: the first place, and how many there are."""
        where = [i for i, item in enumerate(items) if id(item) in hits]
        more = f" and {len(where) - 1} more" if len(where) > 1 else ""
        for i in where:
            lead = self.leads[id(items[i])]
            self.push(items, lead.path() + more, lead, i)

    def from_set(self, items: Any, hits: dict[int, Any]) -> None:
        """A set has no places."""
        for lead in map(self.leads.__getitem__, hits):
            self.push(items, "{...}" + lead.path(), lead)

    def from_cell(self, cell: Any, hits: dict[int, Any]) -> None:
        """A variable that inner functions share: they know its name."""
        for lead in map(self.leads.__getitem__, hits):
            self.push(cell, lead.path(), lead)

    def from_function(self, function: types.FunctionType, hits: dict[int, Any]) -> None:
        """A closure, default arguments, globals, or attributes."""
        code = function.__code__
        place = f"{function.__qualname__} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"
        for key, hit in hits.items():
            lead = self.leads[key]
            if hit is function.__closure__:
                self.add("closure", code.co_freevars[lead.key] + lead.steps, place, lead)
            elif hit is function.__defaults__:
                name = code.co_varnames[code.co_argcount - len(function.__defaults__ or ()) + lead.key]
                self.add("default", name + lead.steps, place, lead)
            elif hit is function.__kwdefaults__:
                self.add("default", f"{lead.key}{lead.steps}", place, lead)
            elif hit is function.__globals__:  # those of a module were named before: this is code run by exec()
                self.add("global", f"{lead.key}{lead.steps}", f"globals of {code.co_filename}", lead)
            else:
                self.add("attribute", f"{function.__qualname__}.{lead.key}{lead.steps}", place, lead)

    def from_frame(self, frame: Any, hits: dict[int, Any]) -> None:
        """The frame of a generator or of a traceback: its variables are known already."""
        self.named.update(hits)

    def from_class(self, cls: type, hits: dict[int, Any]) -> None:
        """A class: its dictionary."""
        for lead in map(self.leads.__getitem__, hits):
            self.add("attribute", f"{cls.__qualname__}.{lead.key}{lead.steps}", f"module {cls.__module__}", lead)

    def from_instance(self, thing: Any, hits: dict[int, Any]) -> None:
        """Attributes of any other object; objects without names for what they hold are passed through."""
        for hit in hits.values():
            lead = self.leads[id(hit)]
            if lead.key is not None and getattr(thing, "__dict__", None) is hit:
                self.push(thing, f".{lead.key}{lead.steps}", lead)
            else:
                name = _attribute(thing, hit)
                self.push(thing, (f".{name}" if name else "") + lead.path(), lead)


def _attribute(thing: Any, value: Any) -> str:
    """Name of the attribute that is ``value``: of the instance's own, or a slot; empty when there is none."""
    own = getattr(thing, "__dict__", None)
    if isinstance(own, dict):
        for name, found in own.items():
            if found is value:
                return str(name)
    for cls in type(thing).__mro__:
        for name, member in vars(cls).items():
            if isinstance(member, (types.MemberDescriptorType, types.GetSetDescriptorType)):
                try:
                    if getattr(thing, name) is value:
                        return name
                except Exception:  # a descriptor may raise anything; it is not the one we look for
                    continue
    return ""


def _variables() -> dict[int, list[tuple[str, str]]]:
    """Name and place of the variables of all functions that run, are suspended, or ended in an error: by id of the value."""
    found: dict[int, list[tuple[str, str]]] = {}
    running = set(_running_frames())
    frames: list[tuple[Any, str]] = [(frame, "") for frame in running]
    for thing in gc.get_objects():
        if _is(thing, SUSPENDED):
            frames.append((getattr(thing, "gi_frame", None) or getattr(thing, "cr_frame", None), ", suspended"))
        elif _is(thing, types.FrameType) and thing not in running:
            frames.append((thing, ", kept by a traceback"))
    for frame, how in dict(reversed(frames)).items():
        for name, value in () if frame is None else _locals_of(frame):
            found.setdefault(id(value), []).append((name, _frame_place(frame) + how))
    return found


def _running_frames() -> Iterator[types.FrameType]:
    """Frames of all threads but for this module's own, which would keep themselves alive in the variables of the search."""
    for top in sys._current_frames().values():
        frame: types.FrameType | None = top
        while frame is not None:
            if frame.f_code.co_filename != __file__:
                yield frame
            frame = frame.f_back


def _locals_of(frame: Any) -> Iterable[tuple[str, Any]]:
    """Names and values of a function's variables; empty for modules, whose variables are globals.

    Before Python 3.13 asking makes a dictionary that stays with the frame, and that would keep alive what the function
    deletes afterwards. It is emptied, unless the program looks at it too or a debugger, which writes it back, is at work.
    """
    space = frame.f_locals
    if space is frame.f_globals:
        return ()
    pairs = [(name, value) for name, value in space.items() if isinstance(name, str)]
    optimized = frame.f_code.co_flags & inspect.CO_OPTIMIZED
    if sys.version_info < (3, 13) and optimized and sys.gettrace() is None and sys.getrefcount(space) <= 3:
        space.clear()
    return pairs


def _frame_place(frame: Any) -> str:
    """``train (train.py:12)``."""
    code = frame.f_code
    return f"{code.co_name} ({os.path.basename(code.co_filename)}:{frame.f_lineno})"


def _module_place(name: str, space: dict[Any, Any]) -> str:
    """``train (train.py)``."""
    file = space.get("__file__")
    return f"module {name} ({os.path.basename(file)})" if isinstance(file, str) else f"module {name}"


Handler = Callable[[_Search, Any, dict[int, Any]], None]
HANDLERS: Final[tuple[tuple[Any, Handler], ...]] = (
    (dict, _Search.from_dict),
    ((list, tuple, deque), _Search.from_sequence),
    ((set, frozenset), _Search.from_set),
    (types.CellType, _Search.from_cell),
    (types.FunctionType, _Search.from_function),
    ((types.FrameType, *SUSPENDED), _Search.from_frame),
    (type, _Search.from_class),
)
