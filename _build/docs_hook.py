"""Mend what mypyc drops or garbles, in the generated C before the C compiler runs.

- Docstrings are dropped.  mypyc writes for every function the text `"name(signature)\\n--\\n\\n"`, which CPython splits
  into `__text_signature__` and `__doc__`: the text is written anew from the Python source.
- The signature is lost if a default is no literal, and ends in a wrong "/" after an unboxed default such as `1.0`.
- `__file__` of a module is derived from the shared library, as if that lay beside the package and not inside it.
- An argument that should be a tensor and is not is refused by the class's path; PyTorch names function, argument and place.
- Weak references to an instance of a class with an interpreted base (Tensor) are never cleared: mypyc treats the head of
  their list as an attribute, and using one after the instance has died reads freed memory. `__dict__` of such an instance
  is missing until the first attribute is set.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_STRING = r'NULL|"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*'
_MODULE = re.compile(r'(PyModuleDef_HEAD_INIT,\s*"([\w.]+)",\s*)NULL(, /\* docstring \*/)')
_METHOD_TABLE = re.compile(r"static PyMethodDef (\w+)\[\] = \{\n.*?\n\};", re.S)
_METHOD = re.compile(rf'(\{{"(\w+)",\s*\(PyCFunction\)\w+,\s*[A-Z_ |]+,\s*PyDoc_STR\()({_STRING})\)')
_TYPE = re.compile(rf'(\.tp_name = "(\w+)",\n(?:(?!\n\}};).)*?\.tp_doc = PyDoc_STR\()({_STRING})\)', re.S)
_PROPERTY_TABLE = re.compile(r"static PyGetSetDef (\w+)_getseters\[\] = \{\n.*?\n\};", re.S)
_WRAPPER = re.compile(r"PyObject \*CPyPy_\w+\(.*?\n {8}\}\n", re.S)
_PARSER = re.compile(r'kwlist\[\] = \{([^}]*)\};\s*static CPyArg_Parser parser = \{"[^":]*:(\w+)"')
_NOT_A_TENSOR = re.compile(r'CPy_TypeError\("wengert\._tensor\.Tensor(?: or None)?", obj_(\w+)\);')
_PROPERTY = re.compile(r'(\{"(\w+)",\s*\(getter\)\w+,\s*(?:\(setter\)\w+|NULL),\s*)NULL(, NULL\})')


@dataclass
class Doc:
    """Docstring of one definition and the signature CPython is to show (None: keep the one of mypyc)."""

    text: str
    signature: str | None


def collect(source: str) -> dict[str, Doc]:
    """Docs by "name" or "Class.name", of the module itself by ""."""
    tree = ast.parse(source)
    docs = {"": Doc(ast.get_docstring(tree) or "", None)}
    for node in tree.body:
        if isinstance(node, FunctionNode):
            docs[node.name] = Doc(ast.get_docstring(node) or "", _signature(node, node.name, ""))
        elif isinstance(node, ast.ClassDef):
            _collect_class(node, docs)
    return docs


def _collect_class(cls: ast.ClassDef, docs: dict[str, Doc]) -> None:
    docs[cls.name] = Doc(ast.get_docstring(cls) or "", None)
    for node in cls.body:
        if not isinstance(node, FunctionNode):
            continue
        decorators = [ast.unparse(d) for d in node.decorator_list]
        if any(d.endswith((".setter", ".deleter")) for d in decorators):
            continue  # the property's docstring is the getter's
        bound = "" if "staticmethod" in decorators else "$"
        docs[f"{cls.name}.{node.name}"] = Doc(ast.get_docstring(node) or "", _signature(node, node.name, bound))
        if node.name == "__init__":
            docs[cls.name].signature = _signature(node, cls.name, None)


def _signature(node: FunctionNode, name: str, bound: str | None) -> str | None:
    """`name(arguments)` as CPython reads it: `bound` "$" marks the first argument, None drops it, "" leaves it.

    None for a special method other than `__init__`: CPython calls it through a slot, with mypyc's signature.
    """
    if node.name.startswith("__") and node.name.endswith("__") and node.name != "__init__":
        return None
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    defaults = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)
    parts = [_argument(arg, default) for arg, default in zip(positional, defaults)]
    slash = len(a.posonlyargs)
    if bound is None:
        parts, slash = parts[1:], slash - 1
    elif parts:
        parts[0] = bound + parts[0]
    if slash > 0:
        parts.insert(slash, "/")
    if a.vararg or a.kwonlyargs:
        parts.append("*" + (a.vararg.arg if a.vararg else ""))
    parts += [_argument(arg, default) for arg, default in zip(a.kwonlyargs, a.kw_defaults)]
    if a.kwarg:
        parts.append("**" + a.kwarg.arg)
    return f"{name}({', '.join(parts)})"


def _argument(arg: ast.arg, default: ast.expr | None) -> str:
    if default is None:
        return arg.arg
    try:
        ast.literal_eval(default)
    except ValueError:
        return arg.arg + "=..."  # CPython reads literals only, and drops the whole signature at anything else
    return f"{arg.arg}={ast.unparse(default)}"


def c_string(text: str) -> str:
    """`text` as a C string literal, one source line per line of text."""
    ascii_only = text.encode("ascii", "backslashreplace").decode()
    lines = ascii_only.splitlines(keepends=True) or [""]
    return "\n".join(json.dumps(line).replace("?", r"\?") for line in lines)  # `??/` would be a trigraph


def inject(c_text: str, docs: dict[str, Doc]) -> str:
    """The C text of one module with the docstrings and signatures of `docs`."""

    def table(match: re.Match[str]) -> str:
        prefix = "" if match[1].endswith("module_methods") else _class_of(match[1].removesuffix("_methods"), docs) + "."
        return _METHOD.sub(lambda m: f"{m[1]}{_text(m[3], docs.get(prefix + m[2]))})", match[0])

    def properties(match: re.Match[str]) -> str:
        cls = _class_of(match[1], docs)
        return _PROPERTY.sub(lambda m: f"{m[1]}{_plain(docs.get(f'{cls}.{m[2]}'))}{m[3]}", match[0])

    c_text = _MODULE.sub(lambda m: f"{m[1]}{_plain(docs.get(''))}{m[3]}", c_text)
    c_text = _METHOD_TABLE.sub(table, c_text)
    # An inherited constructor's signature is mypyc's, which ends in a wrong "/" after an unboxed default.
    c_text = _TYPE.sub(lambda m: f"{m[1]}{_text(m[3].replace(', /)', ')'), docs.get(m[2]))})", c_text)
    return _PROPERTY_TABLE.sub(properties, c_text)


def mend_file_attribute(runtime_text: str, group: str) -> str:
    """mypyc's misc_ops.c, deriving `__file__` of a module from the folder that holds the package."""
    anchor = "        // Use the same separator character found in the path"
    up = f"        for (int up = 0; up < {group.count('.')} && sep > 0; up++)\n"
    parent = "PyUnicode_FindChar(shared_lib_file, PyUnicode_ReadChar(shared_lib_file, sep), 0, sep, -1)"
    return runtime_text.replace(anchor, f"{up}            sep = {parent};\n{anchor}", 1)


def mend_interpreted_base(c_text: str) -> str:
    """Clear weak references when an instance dies, and leave their list alone otherwise; give every instance `__dict__`."""
    # As a member `__dict__` is missing until the first attribute is set; the getter beside it makes the dictionary.
    c_text = re.sub(r'    \{"__dict__", T_OBJECT_EX, .*\n', "", c_text)
    slot = r"\*\(\(PyObject \*\*\)\(\(char \*\)self \+ sizeof\(PyObject \*\) \+ sizeof\(\w+\)\)\)"
    c_text = re.sub(rf"    Py_(?:CLEAR|VISIT)\({slot}\);\n", "", c_text)
    for struct in set(re.findall(r"\.tp_weaklistoffset = sizeof\((\w+)\)", c_text)):
        head = f"*((PyObject **)((char *)self + sizeof(PyObject *) + sizeof({struct})))"
        c_text = re.sub(
            rf"(_dealloc\({struct} \*self\)\n\{{\n(?:    .*\n)*?    CPy_TRASHCAN_BEGIN.*\n)",
            lambda found: f"{found[1]}    if ({head} != NULL)\n        PyObject_ClearWeakRefs((PyObject *)self);\n",  # noqa: B023
            c_text,
        )
    return c_text


def mend_frame_access(c_text: str) -> str:
    """Ask frames through the C API instead of by attribute: every node does, and it is a tenth of recording one."""
    asked = r"(cpy_r_r\d+) = CPyStatics\[\d+\]; /\* '{}' \*/\n( +cpy_r_r\d+) = CPyObject_GetAttr\(cpy_r_frame, \1\);"
    own = r"(\n[^\n]*?(cpy_r_r\d+) = CPyStatic_graph____getframe;(?:(?!\n\}).)*?= )PyObject_Vectorcall\(\2, 0, 0, 0\);"
    c_text = re.sub(own, r"\1(PyObject *)PyThreadState_GetFrame(PyThreadState_Get());", c_text, flags=re.S)
    code = r"\2 = (PyObject *)PyFrame_GetCode((PyFrameObject *)cpy_r_frame);"
    lasti = r"\2 = PyLong_FromLong(PyFrame_GetLasti((PyFrameObject *)cpy_r_frame));"
    c_text = re.sub(asked.format("f_lasti"), lasti, re.sub(asked.format("f_code"), code, c_text))
    # Where a native integer is made of it, it need not be an object before.
    boxed = r"(\w+) = PyLong_FromLong\((PyFrame_GetLasti\(.*\))\);\n.*\1 == NULL.*\n.*\n.*\n *\}\n"
    return re.sub(boxed + r"( *\w+) = CPyLong_AsInt64\(\1\);\n *CPy_DECREF\(\1\);", r"\3 = \2;", c_text)


def mend_tensor_refusals(c_text: str, prefix: str) -> str:
    """Refuse an argument that is no tensor as PyTorch does; ``prefix`` is what its name of the functions begins with."""

    def wrapper(match: re.Match[str]) -> str:
        parser = _PARSER.search(match[0])
        if parser is None:
            return match[0]
        names = re.findall(r'"(\w+)"', parser[1])

        def refusal(found: re.Match[str]) -> str:
            place = names.index(found[1]) + 1 if found[1] in names else 0
            start = f"\"{prefix}{parser[2]}(): argument '{found[1]}'"
            texts = f'PyVectorcall_NARGS(nargs) < {place} ? {start}" : {start} (position {place})"'
            return f'PyErr_Format(PyExc_TypeError, "%s must be Tensor, not %.200s", {texts}, Py_TYPE(obj_{found[1]})->tp_name);'

        return _NOT_A_TENSOR.sub(refusal, match[0])

    return _WRAPPER.sub(wrapper, c_text)


def _class_of(c_name: str, docs: dict[str, Doc]) -> str:
    """The class behind a C name such as part___Leaf; longest first, because part____Leaf ends in ___Leaf too."""
    return max((name for name in docs if name and f"___{c_name}".endswith(f"___{name}")), key=len, default="")


def _plain(doc: Doc | None) -> str:
    return c_string(doc.text) if doc and doc.text else "NULL"


def _text(mypyc_text: str, doc: Doc | None) -> str:
    """The C literal that replaces `mypyc_text`."""
    if doc is None:
        return mypyc_text
    if doc.signature is not None:
        return c_string(f"{doc.signature}\n--\n\n{doc.text}")
    if mypyc_text == "NULL":
        return _plain(doc)
    return f"{mypyc_text}\n{c_string(doc.text)}"


def mend(folder: Path, group: str, source_of: dict[str, Path]) -> None:
    """Rewrite the C files that mypyc wrote into `folder` for the modules of `source_of` (name to .py file)."""
    for path in folder.glob("__native_*.c"):
        _mend_module(path, source_of)
    runtime = folder / "misc_ops.c"
    runtime.write_text(mend_file_attribute(runtime.read_text(encoding="utf-8"), group), encoding="utf-8")


def _mend_module(path: Path, source_of: dict[str, Path]) -> None:
    c_text = path.read_text(encoding="utf-8")
    named = _MODULE.search(c_text)
    if named and named[2] in source_of:
        docs = collect(source_of[named[2]].read_text(encoding="utf-8"))
        room, _, module = named[2].removeprefix("wengert.").partition(".")
        prefix = f"{module}_" if room == "_gen" and module in ("linalg", "fft", "special") else ""
        c_text = mend_tensor_refusals(mend_frame_access(mend_interpreted_base(c_text)), prefix)
        path.write_text(inject(c_text, docs), encoding="utf-8")
