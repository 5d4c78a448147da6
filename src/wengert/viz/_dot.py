"""The graph behind a tensor as DOT text, drawn in torchviz's colours.

The drawing reads the public graph API only (``grad_fn``, ``next_functions``, ``name()``, ``variable``, ``_saved_*``,
``saved_tensors``, ``_is_view``, ``_base``), so whatever offers that API can be drawn, tensors of PyTorch included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import graphviz

    from wengert import Tensor

Node = Any  # a ``grad_fn``: built-in node, AccumulateGrad or custom Function
Saved = Any  # what a ``_saved_*`` attribute holds: tensor, sequence of tensors, number, None, ...

SAVED_PREFIX: Final = "_saved_"
NODE_STYLE: Final = {"fontname": "monospace", "fontsize": "10", "height": "0.2", "shape": "box", "style": "filled"}
OUTPUT: Final = "darkolivegreen1"
BASE: Final = "darkolivegreen3"
LEAF: Final = "lightblue"
SAVED: Final = "orange"

MIN_INCHES: Final = 12.0
INCHES_PER_STATEMENT: Final = 0.15


def make_dot(
    var: Tensor | Sequence[Tensor],
    params: Mapping[str, Tensor] | None = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
) -> graphviz.Digraph:
    """The graph that computed ``var``, ready to display or to render.

    Boxes: green = output, light blue = leaf whose ``.grad`` the backward pass fills, orange = tensor saved for the
    backward pass, dark green = base of a view, grey = operator. Arrows run from inputs to results; a dotted arrow joins
    a base to its view, and a line without a head joins a node to what it saved.

    Drawing needs no recursion, so the depth of the graph does not matter, and it changes nothing: a freed graph is
    drawn too, without its saved tensors.

    Args:
        var: Tensor or tuple of tensors, of any shape and dtype.
        params: Names for tensors, for example ``dict(model.named_parameters())``.
        show_attrs: List what every node saved under its name.
        show_saved: Draw the saved tensors of built-in nodes. Those of custom Functions are always drawn.
        max_attr_chars: Longest attribute value to print, at least 3.

    Returns:
        A ``graphviz.Digraph``. Notebooks show it; ``.render("graph", format="png")`` writes it by running ``dot``.

    Raises:
        ImportError: The graphviz package is missing. ``to_dot_source`` works without.
        TypeError: ``var`` or a value of ``params`` is not a tensor.

    Example:
        >>> import wengert
        >>> from wengert.viz import make_dot
        >>> a = wengert.ones(3, requires_grad=True)
        >>> dot = make_dot(a.exp().sum(), params={"a": a})
        >>> "SumBackward0" in dot.source
        True

    Source: ``torchviz.make_dot``, which recurses and raises on a freed graph when asked for saved tensors.
    """
    try:
        import graphviz
    except ImportError as error:
        raise ImportError(
            "make_dot() needs the graphviz package, which is not installed.\n"
            '  try: pip install "wengert[viz]", or wengert.viz.to_dot_source(), whose DOT text needs no package'
        ) from error
    drawing = _draw(var, params, show_attrs, show_saved, max_attr_chars)
    return graphviz.Digraph(graph_attr={"size": drawing.size()}, node_attr=NODE_STYLE, body=drawing.statements)


def to_dot_source(
    var: Tensor | Sequence[Tensor],
    params: Mapping[str, Tensor] | None = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
) -> str:
    r"""The graph that computed ``var`` as DOT text.

    The same graph always gives the same text: nodes are numbered in the order in which they are met.

    Args:
        var: Tensor or tuple of tensors, of any shape and dtype.
        params: As in ``make_dot``, like the arguments that follow.
        show_attrs: List what every node saved under its name.
        show_saved: Draw the saved tensors of built-in nodes.
        max_attr_chars: Longest attribute value to print, at least 3.

    Returns:
        The text that ``make_dot(...).source`` holds.

    Raises:
        TypeError: ``var`` or a value of ``params`` is not a tensor.

    Example:
        >>> import wengert
        >>> print(wengert.viz.to_dot_source(wengert.zeros(2, 3)).expandtabs(4))
        digraph {
            graph [size="12,12"]
            node [fontname=monospace fontsize=10 height=0.2 shape=box style=filled]
            n0 [label="\n (2, 3)" fillcolor=darkolivegreen1]
        }
        <BLANKLINE>
    """
    drawing = _draw(var, params, show_attrs, show_saved, max_attr_chars)
    style = " ".join(f"{key}={value}" for key, value in NODE_STYLE.items())
    header = f'digraph {{\n\tgraph [size="{drawing.size()}"]\n\tnode [{style}]\n'
    return header + "".join(drawing.statements) + "}\n"


def _draw(
    var: Tensor | Sequence[Tensor],
    params: Mapping[str, Tensor] | None,
    show_attrs: bool,
    show_saved: bool,
    max_attr_chars: int,
) -> _Drawing:
    outputs = tuple(var) if isinstance(var, (tuple, list)) else (var,)
    for output in outputs:
        if not _is_tensor(output):
            given = type(output).__name__
            raise TypeError(f"make_dot(): argument 'var' must be Tensor or tuple of Tensors, not {given}")
    names: dict[int, str] = {}
    for name, param in (params or {}).items():
        if not _is_tensor(param):
            raise TypeError(f"make_dot(): params[{name!r}] must be Tensor, not {type(param).__name__}")
        names[id(param)] = name
    drawing = _Drawing(names, show_attrs, show_saved, max(max_attr_chars, 3))
    for output in outputs:
        drawing.add_output(output)
    return drawing


class _Drawing:
    """The DOT statements of one picture.

    A box may be stated twice (a leaf that is also saved): the last statement colours it, as in torchviz.
    """

    def __init__(self, names: dict[int, str], show_attrs: bool, show_saved: bool, max_attr_chars: int) -> None:
        self.statements: list[str] = []
        self.names = names  # by id of the tensor
        self.show_attrs = show_attrs
        self.show_saved = show_saved
        self.max_attr_chars = max_attr_chars
        self.boxes: dict[int, str] = {}  # id of a tensor or node -> its name in the DOT text
        self.expanded: set[int] = set()  # ids of what needs no second visit
        self.alive: list[object] = []  # a saved tensor may be a temporary, and ids are unique among living objects only

    def size(self) -> str:
        """Width and height in inches, growing with the picture so that its text stays readable."""
        inches = max(MIN_INCHES, INCHES_PER_STATEMENT * len(self.statements))
        return f"{inches:g},{inches:g}"

    def add_output(self, var: Tensor, color: str = OUTPUT) -> None:
        if not self.first_visit(var):
            return
        self.tensor(var, self.names.get(id(var), ""), color)
        if var.grad_fn is not None:
            self.add_graph(var.grad_fn)
            self.edge(var.grad_fn, var)
        if var._is_view() and var._base is not None:
            base = var._base  # never a view itself: this goes one level deep
            self.add_output(base, color=BASE)
            self.edge(base, var, " [style=dotted]")

    def add_graph(self, root: Node) -> None:
        """Depth first from ``root``, on a list instead of the call stack."""
        if not self.first_visit(root):
            return
        self.add_node(root)
        path: list[tuple[Node, Iterator[tuple[Node, int]]]] = [(root, iter(root.next_functions))]
        while path:
            node, edges = path[-1]
            child = next((fn for fn, _ in edges if fn is not None), None)
            if child is None:
                path.pop()
                self.add_context_tensors(node)
                continue
            self.edge(child, node)
            if self.first_visit(child):
                self.add_node(child)
                path.append((child, iter(child.next_functions)))

    def add_node(self, fn: Node) -> None:
        if self.show_saved:
            for name, value in _saved_values(fn):
                self.add_saved(fn, name, value)
        leaf: Any = getattr(fn, "variable", None)
        if _is_tensor(leaf):
            self.first_visit(leaf)
            self.tensor(leaf, self.names.get(id(leaf), ""), LEAF)
            self.edge(leaf, fn)
        label = _node_name(fn)
        if self.show_attrs:
            label += _attribute_table(label, dict(_saved_values(fn)), self.max_attr_chars)
        self.statements.append(f"\t{self.box(fn)} [label={_quote(label)}]\n")

    def add_saved(self, fn: Node, name: str, value: Saved) -> None:
        tensors = {name: value}
        if isinstance(value, (tuple, list)):
            tensors = {f"{name}[{i}]": item for i, item in enumerate(value)}
        for label, tensor in tensors.items():
            if _is_tensor(tensor):
                self.first_visit(tensor)
                self.edge(fn, tensor, " [dir=none]")
                self.tensor(tensor, label, SAVED)

    def add_context_tensors(self, fn: Node) -> None:
        """What a custom Function kept with ``ctx.save_for_backward``."""
        try:
            tensors = getattr(fn, "saved_tensors", ())
        except RuntimeError:  # freed by a backward pass, or changed in place since
            return
        for tensor in tensors:
            if _is_tensor(tensor):
                self.first_visit(tensor)
                self.edge(tensor, fn, " [dir=none]")
                self.tensor(tensor, self.names.get(id(tensor), ""), SAVED)

    def first_visit(self, thing: object) -> bool:
        if id(thing) in self.expanded:
            return False
        self.expanded.add(id(thing))
        return True

    def box(self, thing: object) -> str:
        """The name of ``thing`` in the DOT text."""
        name = self.boxes.get(id(thing))
        if name is None:
            name = self.boxes[id(thing)] = f"n{len(self.boxes)}"
            self.alive.append(thing)
        return name

    def tensor(self, var: Tensor, name: str, color: str) -> None:
        shape = ", ".join(str(length) for length in var.size())
        label = f"{name}\n ({shape})"
        self.statements.append(f"\t{self.box(var)} [label={_quote(label)} fillcolor={color}]\n")

    def edge(self, tail: object, head: object, style: str = "") -> None:
        self.statements.append(f"\t{self.box(tail)} -> {self.box(head)}{style}\n")


def _saved_values(fn: Node) -> Iterator[tuple[str, Saved]]:
    """Name and value of every ``_saved_*`` attribute; a tensor that cannot be unpacked is replaced by the reason."""
    for attribute in dir(fn):
        if attribute.startswith(SAVED_PREFIX):
            try:
                value = getattr(fn, attribute)
            except RuntimeError as error:
                value = "[modified in place]" if "inplace operation" in str(error) else "[freed]"
            yield attribute[len(SAVED_PREFIX) :], value


def _attribute_table(title: str, values: dict[str, Saved], max_chars: int) -> str:
    """One line ``name: value`` for each saved value under a rule as wide as the box; empty when nothing was saved."""
    if not values:
        return ""
    texts = {name: _attribute_text(value) for name, value in values.items()}
    name_width = max(len(name) for name in texts)
    text_width = min(max(len(text) for text in texts.values()), max_chars)
    lines = ["-" * max(name_width + text_width + 2, len(title))]
    for name, text in texts.items():
        if len(text) > text_width:
            text = text[: text_width - 3] + "..."
        lines.append(f"{name:<{name_width}}: {text:>{text_width}}")
    return "\n" + "\n".join(lines)


def _attribute_text(value: Saved) -> str:
    if _is_tensor(value):
        return "[saved tensor]"
    if isinstance(value, (tuple, list)) and any(_is_tensor(item) for item in value):
        return "[saved tensors]"
    return str(value)


def _is_tensor(value: object) -> bool:
    # Asks the type: reading ``grad_fn`` of a tensor may raise (a view whose base was changed in a forbidden way).
    return hasattr(type(value), "grad_fn") and hasattr(type(value), "requires_grad")


def _node_name(fn: Node) -> str:
    name: str = fn.name()
    return name.rpartition("::")[2]  # PyTorch says torch::autograd::AccumulateGrad


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
