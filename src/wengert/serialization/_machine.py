"""Our own interpreter of pickles: it makes containers, numbers, texts and what it is given names for, and runs nothing else.

Note [A pickle is a program]
    A pickle names functions and calls them. Here a name gives only what a table holds, a call reaches only functions of that
    table (written to check their arguments), attributes are set only where nothing depends on them, and every length is
    compared with what is there before memory is taken. So a file can make an odd object, but run nothing.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .._core.dtypes import Size, dtype
from .._core.tensor_base import TensorBase
from ._shown import shown

DEPTH_LIMIT = 1000  # of containers in one another; deeper ones cannot be printed or copied
KEY_LIMIT = 100  # numbers and texts in one key: hashing a tuple goes through all of it every time
MARK = object()
_LENGTHS = {1: struct.Struct("<B"), 4: struct.Struct("<I"), 8: struct.Struct("<Q")}


class Part:
    """What the objects of a pickle are made with, and none itself.

    Attributes:
        label: what it is, for messages.
    """

    label = ""


class Known(Part):
    """A function that pickles may call, or a class of which they may make instances.

    Args:
        name: its full name in the pickle.
        build: called with the arguments.
        kind: the class itself.
        by_user: whether the user has declared it safe.
    """

    def __init__(self, name: str, build: Callable[..., Any], kind: type | None = None, by_user: bool = False) -> None:
        self.label = f"the function {name}"
        self.name = name
        self.build = build
        self.kind = kind
        self.by_user = by_user

    def __call__(self, *args: Any) -> Any:
        return self.build(*args)


class Machine:
    """Reads one object after the other from a text.

    Args:
        text: the pickles.
        find: the meaning of ``module.name``; raises for what is not allowed.
        load_storage: the meaning of a persistent id.
        set_state: completes an object with a state.
    """

    def __init__(
        self,
        text: bytes,
        find: Callable[[str, str], Any],
        load_storage: Callable[[Any], Any],
        set_state: Callable[[Any, Any], None],
    ) -> None:
        self.text = text
        self.position = 0
        self.find = find
        self.load_storage = load_storage
        self.set_state = set_state

    def load(self) -> Any:
        """The next object.

        Raises:
            UnpicklingError: for anything that is not allowed, and pickles that are no pickles.
        """
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        start = self.position
        while True:
            code = self._take(1)[0]
            if code == ord("."):
                break
            action = ACTIONS.get(code)
            if action is None:
                raise self._wrong(f"Unsupported operand {code}")
            try:
                action(self)
            except (IndexError, KeyError, struct.error) as error:
                raise self._wrong(f"operand {code} finds nothing to work on ({error})") from None
        if len(self.stack) != 1:
            raise self._wrong(f"the pickle that begins at byte {start} leaves {len(self.stack)} objects")
        result = self._pop()
        check(result)
        return result

    def _wrong(self, what: str) -> pickle.UnpicklingError:
        return pickle.UnpicklingError(f"{what} at byte {self.position} of the pickle")

    # -- reading the text ----------------------------------------------------------------------------------------------

    def _take(self, n: int) -> bytes:
        """The next n bytes."""
        end = self.position + n
        if end > len(self.text):
            raise self._wrong(f"pickle data was truncated: {n} bytes expected")
        taken = self.text[self.position : end]
        self.position = end
        return taken

    def _number(self, width: int) -> int:
        return int(_LENGTHS[width].unpack(self._take(width))[0])

    def _line(self) -> str:
        end = self.text.find(b"\n", self.position, self.position + 1000)
        if end < 0:
            raise self._wrong("a name without an end")
        return self._decode(self._take(end + 1 - self.position)[:-1])

    def _decode(self, data: bytes) -> str:
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise self._wrong(f"a text that is none ({error})") from None

    # -- the stack -----------------------------------------------------------------------------------------------------

    def _pop(self) -> Any:
        value = self.stack.pop()
        if value is MARK:
            raise self._wrong("a mark stands where a value should be")
        return value

    def _top(self, kind: type | tuple[type, ...]) -> Any:
        value = self.stack[-1]
        if not isinstance(value, kind):
            raise self._wrong(f"a {type(value).__name__} cannot be added to")
        return value

    def _pop_mark(self) -> list[Any]:
        """What was pushed since the last mark."""
        for start in range(len(self.stack) - 1, -1, -1):
            if self.stack[start] is MARK:
                values = self.stack[start + 1 :]
                del self.stack[start:]
                return values
        raise self._wrong("there is no mark")

    # -- actions -------------------------------------------------------------------------------------------------------

    def protocol(self) -> None:
        """Accept protocols 2 to 5."""
        version = self._number(1)
        if not 2 <= version <= 5:
            raise self._wrong(f"pickle protocol {version} is not read")

    def frame(self) -> None:
        """A frame is a hint of how much to read."""
        self._number(8)

    def long(self, width: int) -> None:
        """An integer of any size."""
        self.stack.append(int.from_bytes(self._take(self._number(width)), "little", signed=True))

    def unicode(self, width: int) -> None:
        """A text."""
        self.stack.append(self._decode(self._take(self._number(width))))

    def binary(self, width: int) -> None:
        """Bytes."""
        self.stack.append(self._take(self._number(width)))

    def byte_array(self) -> None:
        """Bytes that can be changed."""
        self.stack.append(bytearray(self._take(self._number(8))))

    def packed(self, format: str) -> None:
        """A number of fixed size."""
        self.stack.append(struct.unpack(format, self._take(struct.calcsize(format)))[0])

    def put(self, width: int) -> None:
        """Remember the top under a number."""
        number = self._number(width)
        value = self._pop()
        self.stack.append(value)
        self.memo[number] = value

    def get(self, width: int) -> None:
        """Push what was remembered."""
        number = self._number(width)
        if number not in self.memo:
            raise self._wrong(f"nothing was remembered as {number}")
        self.stack.append(self.memo[number])

    def memoize(self) -> None:
        """Remember the top under the next number."""
        value = self._pop()
        self.stack.append(value)
        self.memo[len(self.memo)] = value

    def duplicate(self) -> None:
        """Push the top again."""
        value = self._pop()
        self.stack += [value, value]

    def tuple_of(self, n: int) -> None:
        """A tuple of the last n values."""
        values = [self._pop() for _ in range(n)]
        self.stack.append(tuple(reversed(values)))

    def append(self) -> None:
        """Add a value to a list."""
        value = self._pop()
        self._top(list).append(value)

    def appends(self) -> None:
        """Add values to a list."""
        values = self._pop_mark()
        self._top(list).extend(values)

    def add_items(self) -> None:
        """Add values to a set."""
        values = self._pop_mark()
        self._top(set).update(checked_keys(values))

    def set_item(self) -> None:
        """Add a pair to a dict."""
        value = self._pop()
        key = self._pop()
        checked_keys([key])
        self._top(dict)[key] = value

    def set_items(self) -> None:
        """Add pairs to a dict."""
        values = self._pop_mark()
        if len(values) % 2:
            raise self._wrong("a key without a value")
        keys = checked_keys(values[::2])
        self._top(dict).update(zip(keys, values[1::2]))

    def dict_of(self) -> None:
        """A dict of the pairs since the mark."""
        values = self._pop_mark()
        if len(values) % 2:
            raise self._wrong("a key without a value")
        self.stack.append(dict(zip(checked_keys(values[::2]), values[1::2])))

    def named(self) -> None:
        """What ``module`` and ``name`` in the next two lines stand for."""
        module = self._line()
        self.stack.append(self.find(module, self._line()))

    def named_from_stack(self) -> None:
        """What the two texts on the stack stand for."""
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise self._wrong("a name that is no text")
        self.stack.append(self.find(module, name))

    def call(self) -> None:
        """Call one of the functions that may be called."""
        args, function = self._pop(), self._pop()
        if type(function) is not Known or type(args) is not tuple:
            raise self._wrong(f"a call of {shown(function)}, which is no function that may be called,")
        self.stack.append(self._result(function, args))

    def _result(self, function: Known, args: tuple[Any, ...]) -> Any:
        return self._careful(function.name, function.build, *args)

    def _careful(self, what: str, function: Callable[..., Any], *args: Any) -> Any:
        """A call whose arguments may be anything."""
        try:
            return function(*args)
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            raise self._wrong(f"{what} was called with arguments that it does not take ({error})") from error

    def new(self) -> None:
        """An instance of a class that the user has declared safe."""
        args, function = self._pop(), self._pop()
        if type(function) is not Known or type(args) is not tuple:
            raise self._wrong(f"an instance of {shown(function)}, which is no class that may be used,")
        if function.kind is None:
            self.stack.append(self._result(function, args))
        elif function.by_user and not issubclass(function.kind, TensorBase):
            self.stack.append(function.kind.__new__(function.kind, *args))
        else:
            raise self._wrong(f"an instance of {function.name}, which is not made so,")

    def complete(self) -> None:
        """Set the state of an object."""
        state = self._pop()
        value = self._pop()
        self.stack.append(value)
        self._careful("a state", self.set_state, value, state)

    def storage(self) -> None:
        """What a persistent id stands for."""
        self.stack.append(self._careful("a storage", self.load_storage, self._pop()))


ACTIONS: dict[int, Callable[[Machine], None]] = {
    0x80: Machine.protocol,
    0x95: Machine.frame,
    ord("("): lambda m: m.stack.append(MARK),
    ord("0"): lambda m: (m.stack.pop(), None)[1],
    ord("1"): lambda m: (m._pop_mark(), None)[1],
    ord("2"): Machine.duplicate,
    ord("N"): lambda m: m.stack.append(None),
    0x88: lambda m: m.stack.append(True),
    0x89: lambda m: m.stack.append(False),
    ord("J"): lambda m: m.packed("<i"),
    ord("K"): lambda m: m.packed("<B"),
    ord("M"): lambda m: m.packed("<H"),
    ord("G"): lambda m: m.packed(">d"),
    0x8A: lambda m: m.long(1),
    0x8B: lambda m: m.long(4),
    0x8C: lambda m: m.unicode(1),
    ord("X"): lambda m: m.unicode(4),
    0x8D: lambda m: m.unicode(8),
    ord("C"): lambda m: m.binary(1),
    ord("B"): lambda m: m.binary(4),
    0x8E: lambda m: m.binary(8),
    0x96: Machine.byte_array,
    ord("]"): lambda m: m.stack.append([]),
    ord("l"): lambda m: m.stack.append(m._pop_mark()),
    ord("a"): Machine.append,
    ord("e"): Machine.appends,
    ord(")"): lambda m: m.stack.append(()),
    ord("t"): lambda m: m.stack.append(tuple(m._pop_mark())),
    0x85: lambda m: m.tuple_of(1),
    0x86: lambda m: m.tuple_of(2),
    0x87: lambda m: m.tuple_of(3),
    ord("}"): lambda m: m.stack.append({}),
    ord("d"): Machine.dict_of,
    ord("s"): Machine.set_item,
    ord("u"): Machine.set_items,
    0x8F: lambda m: m.stack.append(set()),
    0x90: Machine.add_items,
    0x91: lambda m: m.stack.append(frozenset(checked_keys(m._pop_mark()))),
    ord("q"): lambda m: m.put(1),
    ord("r"): lambda m: m.put(4),
    ord("h"): lambda m: m.get(1),
    ord("j"): lambda m: m.get(4),
    0x94: Machine.memoize,
    ord("c"): Machine.named,
    0x93: Machine.named_from_stack,
    ord("R"): Machine.call,
    0x81: Machine.new,
    ord("b"): Machine.complete,
    ord("Q"): Machine.storage,
}
"""Opcode -> what it does. Those of protocols 0 and 1 alone, and of objects without a table, are not there."""


def checked_keys(keys: list[Any]) -> list[Any]:
    """Keys of a dict or members of a set.

    Raises:
        UnpicklingError: for what is not a plain value or a small tuple of such.
    """
    for key in keys:
        waiting, seen = [key], 0
        while waiting:
            part = waiting.pop()
            seen += 1
            if seen > KEY_LIMIT:
                raise pickle.UnpicklingError(f"a key of more than {KEY_LIMIT} parts")
            if type(part) in (tuple, Size, frozenset):
                waiting.extend(part)
            elif not (part is None or type(part) in (str, int, float, bool, complex, bytes, dtype)):
                raise pickle.UnpicklingError(f"a {type(part).__name__} as the key of a dict or the member of a set")
    return keys


def check(result: Any) -> None:
    """Refuse objects that are nested too deeply or hold what is no value.

    Raises:
        UnpicklingError: says which.
    """
    level, seen = [result], {id(result)}
    for _ in range(DEPTH_LIMIT):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, Part):
                raise pickle.UnpicklingError(f"{value.label} stands where a value should be")
            if type(value) in (list, tuple, set):
                inner.extend(value)
            elif type(value) in (dict, OrderedDict):
                inner.extend(value.values())
        level = [value for value in inner if not (id(value) in seen or seen.add(id(value)))]  # type: ignore[func-returns-value]
        if not level:
            return
    raise pickle.UnpicklingError(f"containers are nested more than {DEPTH_LIMIT} deep")
