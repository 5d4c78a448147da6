"""Programs: the values of a formula, ordered into instructions over slots.

The same program runs compiled (kernels/src/vm.h) or through NumPy (kernels/blocks.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .tracing import Traced, constant

Instruction = tuple[str, int, int, int, int]

ROW_REDUCTIONS: Final = ("row_sum", "row_max", "row_min", "row_product")


@dataclass(frozen=True)
class Code:
    """Instructions ``(op, out, a, b, c)``; operands that an instruction lacks repeat ``a``.

    Attributes:
        instructions: in the order in which they run.
        registers: how many it needs.
        used: the inputs that it reads.
        reduced: the slots of the reductions over rows that it makes, for a stage that is not the last.
    """

    instructions: tuple[Instruction, ...]
    registers: int
    used: tuple[int, ...]
    reduced: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """A program.

    Slots: ``inputs``, outputs, constants, ``scalars`` (one number per row), registers of the code that runs.

    Attributes:
        inputs: number of inputs.
        vector: which inputs vary within a row.
        outputs: one letter each: "v" varies within a row, "s" one number per row, "c" one number per column.
        masks: which outputs are booleans.
        constants: numbers, or ``COLUMNS``.
        scalars: number of slots for one number per row.
        whole: the code for rows that registers hold.
        stages: the codes for longer rows, one per level of reductions and a last one; values are computed again in each.
        hazards: for each output the inputs that are read after it was written.
        depends: for each output the inputs that it depends on.
    """

    inputs: int
    vector: tuple[bool, ...]
    outputs: str
    masks: tuple[bool, ...]
    constants: tuple[Any, ...]
    scalars: int
    whole: Code
    stages: tuple[Code, ...]
    hazards: tuple[tuple[int, ...], ...]
    depends: tuple[tuple[int, ...], ...]

    @property
    def reduces(self) -> bool:
        """Whether it has reductions over rows."""
        return len(self.stages) > 1

    @property
    def first_constant(self) -> int:
        """Slot of the first constant."""
        return self.inputs + len(self.outputs)

    @property
    def first_scalar(self) -> int:
        """Slot of the first number per row."""
        return self.first_constant + len(self.constants)

    @property
    def first_register(self) -> int:
        """Slot of the first register."""
        return self.first_scalar + self.scalars


def plan(formula: Callable[..., Any], vector: Sequence[bool], rows: bool) -> Plan:
    """The program of ``formula``.

    Args:
        formula: function of as many values as ``vector`` has entries.
        vector: for each input, whether it varies within a row.
        rows: whether results may be one number per row; otherwise all vary within the (one) row.
    """
    inputs = [Traced("input", (), v, i) for i, v in enumerate(vector)]
    result = formula(*inputs)
    values = [x if isinstance(x, Traced) else constant(x) for x in (result if isinstance(result, tuple) else (result,))]
    return _Compiler(inputs, values, rows).plan()


class _Compiler:
    """Shares equal values, joins instructions, gives values slots and writes the codes."""

    def __init__(self, inputs: list[Traced], values: list[Traced], rows: bool) -> None:
        shared = _share(values)
        self.inputs = inputs
        self.masks = tuple(x.mask for x in values)
        self.outputs = [
            Traced("column_sum", x.args, True)
            if x.op == "column_sum"
            else Traced("move", (x,), x.vector or not rows, None, x.mask)
            for x in shared
        ]
        self.kinds = "".join("c" if o.op == "column_sum" else "v" if o.vector else "s" for o in self.outputs)
        everything = ordered(self.outputs)
        _join(everything)
        everything = ordered(self.outputs)
        self.constants = {repr(v.number): v.number for v in everything if v.op == "constant"}  # 0.0 is not -0.0
        self.levels = _levels(everything)
        self.slots: dict[int, int] = {}
        self.scalars = 0
        self._place(everything)

    def _place(self, everything: list[Traced]) -> None:
        """Slots of everything but registers."""
        first_constant = len(self.inputs) + len(self.outputs)
        first_scalar = first_constant + len(self.constants)
        for place, output in enumerate(self.outputs):
            self.slots[id(output)] = len(self.inputs) + place
            value = output.args[0]
            made_here = output.op == "move" and value.op not in ("input", "constant", *ROW_REDUCTIONS)
            if made_here and value.vector == output.vector and id(value) not in self.slots:
                self.slots[id(value)] = len(self.inputs) + place  # written where it is wanted: no move
        for value in everything:
            if value.op == "input":
                self.slots[id(value)] = value.number
            elif value.op == "constant":
                self.slots[id(value)] = first_constant + list(self.constants).index(repr(value.number))
            elif not value.vector and id(value) not in self.slots:
                self.slots[id(value)] = first_scalar + self.scalars
                self.scalars += 1

    def plan(self) -> Plan:
        """Everything that the machines need."""
        depth = max(self.levels.values())
        whole = self._code(self.outputs, 0)
        stages = [self._code(self._reductions(level), level) for level in range(1, depth + 1)]
        stages.append(self._code(self.outputs, depth + 1))
        hazards = tuple(
            tuple(sorted(set().union(*(self._read_after(code, len(self.inputs) + j) for code in (whole, stages[-1])))))
            for j in range(len(self.outputs))
        )
        return Plan(
            len(self.inputs),
            tuple(x.vector for x in self.inputs),
            self.kinds,
            self.masks,
            tuple(self.constants.values()),
            self.scalars,
            whole,
            tuple(stages),
            hazards,
            tuple(tuple(v.number for v in ordered([o]) if v.op == "input") for o in self.outputs),
        )

    def _reductions(self, level: int) -> list[Traced]:
        values = ordered(self.outputs)
        return [v for v in values if v.op in ROW_REDUCTIONS and self.levels[id(v)] == level]

    def _read_after(self, code: Code, slot: int) -> set[int]:
        """The inputs that ``code`` reads after it has written ``slot``."""
        written = False
        late: set[int] = set()
        for _, out, *operands in code.instructions:
            if written:
                late.update(x for x in operands if x < len(self.inputs))
            written = written or out == slot
        return late

    def _code(self, roots: list[Traced], level: int) -> Code:
        """Code for ``roots``; at ``level`` > 0 the reductions of lower levels are there already."""

        def known(value: Traced) -> bool:
            return value.op in ("input", "constant") or (
                level > 0 and value.op in ROW_REDUCTIONS and self.levels[id(value)] < level
            )

        values = ordered(roots, known)
        slots = dict(self.slots)
        last_use = {id(a): place for place, v in enumerate(values) if not known(v) for a in v.args}
        first_register = len(self.inputs) + len(self.outputs) + len(self.constants) + self.scalars
        free: list[int] = []
        registers = 0
        instructions: list[Instruction] = []
        for place, value in enumerate(values):
            if known(value) or (value.op == "move" and slots.get(id(value), -1) == slots.get(id(value.args[0]))):
                continue
            operands = [slots[id(a)] for a in value.args]
            free += {s for a, s in zip(value.args, operands) if last_use[id(a)] == place and s >= first_register}
            if id(value) not in slots:
                if not free:
                    free.append(first_register + registers)
                    registers += 1
                slots[id(value)] = free.pop()
            operands += [operands[0]] * (3 - len(operands))
            instructions.append((value.op, slots[id(value)], operands[0], operands[1], operands[2]))
        used = sorted({x for _, _, *read in instructions for x in read if x < len(self.inputs)})
        reduced = tuple(slots[id(v)] for v in roots) if level > 0 and roots is not self.outputs else ()
        return Code(tuple(instructions), registers, tuple(used), reduced)


def ordered(roots: Iterable[Traced], known: Callable[[Traced], bool] = lambda value: False) -> list[Traced]:
    """All values that ``roots`` need, operands first; what is ``known`` is there without its operands."""
    found: list[Traced] = []
    seen: set[int] = set()
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        value, ready = stack.pop()
        if ready:
            found.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            stack.append((value, True))
            if not known(value):
                stack += [(a, False) for a in reversed(value.args)]
    return found


def _share(values: list[Traced]) -> list[Traced]:
    """The same values with equal ones made one."""
    shared: dict[int, Traced] = {}
    known: dict[Any, Traced] = {}
    for x in ordered(values):
        args = tuple(shared[id(a)] for a in x.args)
        key = (x.op, repr(x.number), tuple(id(a) for a in args))
        if key not in known:
            known[key] = x if x.op == "input" else Traced(x.op, args, x.vector, x.number, x.mask)
        shared[id(x)] = known[key]
    return [shared[id(x)] for x in values]


def _join(values: list[Traced]) -> None:
    """Make one instruction of two where nobody else wants the result of the first."""
    uses: dict[int, int] = {}
    for value in values:
        for a in value.args:
            uses[id(a)] = uses.get(id(a), 0) + 1
    for value in values:
        for place, inner in enumerate(value.args if value.vector else ()):
            joined = JOINED.get((value.op, inner.op, place))
            others = (*value.args[:place], *value.args[place + 1 :])
            if joined is None or not inner.vector or uses[id(inner)] > 1 or not _may_join(joined, inner, others):
                continue
            kept = inner.args[:1] if joined == "where_positive" else inner.args
            value.op, value.args = joined, (*kept, *others)
            break


def _may_join(joined: str, inner: Traced, others: tuple[Traced, ...]) -> bool:
    """Differences of equal products stay exactly 0, and ``where_positive`` compares with 0."""
    if joined in ("fms", "fnma"):
        return others[0].op not in ("multiply", "square")
    return joined != "where_positive" or (inner.args[1].op == "constant" and inner.args[1].number == 0)


JOINED: Final = {
    ("add", "multiply", 0): "fma",
    ("add", "multiply", 1): "fma",
    ("subtract", "multiply", 0): "fms",
    ("subtract", "multiply", 1): "fnma",
    ("add", "divide", 0): "divide_add",
    ("add", "divide", 1): "divide_add",
    ("minimum", "maximum", 0): "clamp",
    ("where", "greater", 0): "where_positive",
}


def _levels(values: list[Traced]) -> dict[int, int]:
    """How many reductions over rows, one after the other, lead to each value."""
    levels: dict[int, int] = {}
    for value in values:
        below = max((levels[id(a)] for a in value.args), default=0)
        levels[id(value)] = below + (value.op in ROW_REDUCTIONS)
    return levels
