"""Docstrings and signatures reach the C text that mypyc generates."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "_build"))
import docs_hook

pytestmark = pytest.mark.once

METHODS = """\
static PyMethodDef part___Leaf_methods[] = {
    {"apply",
     (PyCFunction)CPyPy_part___Leaf___apply,
     METH_FASTCALL | METH_KEYWORDS, PyDoc_STR("apply($self, scale=1.0, /)\\n--\\n\\n")},
    {NULL}  /* Sentinel */
};
"""
TYPE = """\
static PyTypeObject CPyType_part___Leaf_template_ = {
    .tp_name = "Leaf",
    .tp_doc = PyDoc_STR("Leaf()\\n--\\n\\n"),
};
"""
PROPERTIES = """\
static PyGetSetDef part___Leaf_getseters[] = {
    {"size",
     (getter)part___Leaf_get_size,
    NULL, NULL, NULL},
    {NULL}  /* Sentinel */
};
"""


def signature(code: str, name: str) -> str | None:
    """The signature that is written for the definition `name` of `code`."""
    return docs_hook.collect(code)[name].signature


def c_value(literal: str) -> str:
    """The text that a C compiler reads from adjacent string literals (those of Python with one more escape)."""
    return str(ast.literal_eval(f"({literal})".replace(r"\?", "?")))


@pytest.mark.parametrize(
    "text", ["one line", "two\n  lines\n", 'quote " and backslash \\n', "trigraph ??/ end", "tab\tand % sign", ""]
)
def test_a_text_survives_being_a_c_literal(text: str) -> None:
    assert c_value(docs_hook.c_string(text)) == text


def test_a_trigraph_is_broken_up() -> None:
    assert "??" not in docs_hook.c_string("??/")


def test_a_character_outside_ascii_is_spelled_out() -> None:
    assert c_value(docs_hook.c_string("caf\N{LATIN SMALL LETTER E WITH ACUTE}")) == r"caf\xe9"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("x, y=1.0", "f(x, y=1.0)"),
        ("x, /, y", "f(x, /, y)"),
        ("*xs, key=None, **rest", "f(*xs, key=None, **rest)"),
        ("x, *, dim=-1", "f(x, *, dim=-1)"),
        ("x, dtype=float32", "f(x, dtype=...)"),
    ],
)
def test_the_signature_of_a_function_is_that_of_the_source(arguments: str, expected: str) -> None:
    assert signature(f"def f({arguments}): pass", "f") == expected


def test_self_is_marked_in_methods_and_absent_from_static_ones_and_from_the_class() -> None:
    code = "class C:\n  def __init__(self, /, n=1): pass\n  def m(self, x): pass\n  @staticmethod\n  def s(x): pass\n"
    assert [signature(code, n) for n in ("C", "C.m", "C.s")] == ["C(n=1)", "m($self, x)", "s(x)"]


def test_a_special_method_keeps_the_signature_of_its_slot() -> None:
    assert signature("class C:\n  def __add__(self, other): pass\n", "C.__add__") is None


def test_the_docstring_of_a_property_is_that_of_its_getter() -> None:
    code = 'class C:\n  @property\n  def n(self):\n    "Count."\n  @n.setter\n  def n(self, value):\n    "No."\n'
    assert docs_hook.collect(code)["C.n"].text == "Count."


def test_methods_of_one_name_get_the_docstring_of_their_own_class() -> None:
    code = 'class Leaf:\n  def apply(self): "Of a leaf."\nclass Tree:\n  def apply(self): "Of a tree."\n'
    both = docs_hook.inject(METHODS + METHODS.replace("Leaf", "Tree"), docs_hook.collect(code))
    assert both.index("Of a leaf.") < both.index("part___Tree_methods") < both.index("Of a tree.")
    assert both.count("Of a") == 2


def test_a_private_class_is_not_mistaken_for_a_public_one_of_nearly_its_name() -> None:
    code = 'class Leaf:\n  def apply(self): "Public."\nclass _Leaf:\n  def apply(self): "Private."\n'
    text = docs_hook.inject(METHODS.replace("Leaf", "_Leaf"), docs_hook.collect(code))
    assert "Private." in text
    assert "Public." not in text


def test_a_method_a_class_a_property_and_a_module_are_documented() -> None:
    code = '"Module."\nclass Leaf:\n  "Class."\n  def apply(self, scale=1.0): "Method."\n'
    code += '  @property\n  def size(self): "Size."\n'
    module = 'PyModuleDef_HEAD_INIT,\n    "wengert.part",\n    NULL, /* docstring */\n'
    text = docs_hook.inject(module + METHODS + TYPE + PROPERTIES, docs_hook.collect(code))
    assert '"wengert.part",\n    "Module.", /* docstring */' in text
    assert r'"apply($self, scale=1.0)\n"' in text
    assert '"Method.")}' in text
    assert '"Class.")' in text
    assert '    NULL, "Size.", NULL}' in text


def test_what_the_source_does_not_define_is_left_as_it_is() -> None:
    text = METHODS + TYPE + PROPERTIES
    assert docs_hook.inject(text, docs_hook.collect("")) == text


def test_the_frame_is_asked_of_the_interpreter_only_where_it_was_sys_getframe() -> None:
    asked = (
        "{\n    cpy_r_r1 = CPyStatic_graph____getframe;\n    cpy_r_r2 = PyObject_Vectorcall(cpy_r_r1, 0, 0, 0);\n}\n"
    )
    other = "{\n    cpy_r_r1 = CPyStatic_graph___other;\n    cpy_r_r2 = PyObject_Vectorcall(cpy_r_r1, 0, 0, 0);\n}\n"
    mended = docs_hook.mend_frame_access(asked + other)
    assert (
        mended
        == asked.replace(
            "PyObject_Vectorcall(cpy_r_r1, 0, 0, 0)", "(PyObject *)PyThreadState_GetFrame(PyThreadState_Get())"
        )
        + other
    )


LASTI = """
    cpy_r_r34 = CPyStatics[7]; /* 'f_lasti' */
    cpy_r_r35 = CPyObject_GetAttr(cpy_r_frame, cpy_r_r34);
    if (unlikely(cpy_r_r35 == NULL)) {
        CPy_AddTraceback("graph.py", "stamp", 102, CPyStatic_graph___globals);
        goto CPyL56;
    }
"""
NATIVE = """    cpy_r_r36 = CPyLong_AsInt64(cpy_r_r35);
    CPy_DECREF(cpy_r_r35);
"""


def test_the_instruction_of_a_frame_becomes_an_object_only_where_one_is_wanted() -> None:
    number = "PyFrame_GetLasti((PyFrameObject *)cpy_r_frame);"
    native = docs_hook.mend_frame_access(LASTI + NATIVE)
    assert native.split("\n", 2)[1].strip() == f"cpy_r_r36 = {number}" and "cpy_r_r35" not in native
    assert f"cpy_r_r35 = PyLong_FromLong({number[:-1]});" in docs_hook.mend_frame_access(LASTI)


WRAPPER = """
        PyObject *CPyPy_functions___mm(PyObject *self, PyObject *const *args, size_t nargs, PyObject *kwnames) {
            static const char * const kwlist[] = {"input", "mat2", 0};
            static CPyArg_Parser parser = {"OO:mm", kwlist, 0};
                CPy_TypeError("wengert._tensor.Tensor", obj_mat2);
        }
"""


def test_an_argument_that_is_no_tensor_is_refused_with_function_and_place() -> None:
    mended = docs_hook.mend_tensor_refusals(WRAPPER, "linalg_")
    assert "CPy_TypeError" not in mended
    assert "linalg_mm(): argument 'mat2' (position 2)" in mended


def test_a_type_error_outside_an_argument_parser_is_left_as_it_is() -> None:
    text = 'CPy_TypeError("wengert._tensor.Tensor", obj_mat2);'
    assert docs_hook.mend_tensor_refusals(text, "") == text
