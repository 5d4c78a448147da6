"""Arithmetic and powers: +, -, *, /, //, %, **, their functions, methods, operators and in-place twins."""

from __future__ import annotations

from tests.ops.sample import (
    S,
    b8,
    binary,
    c64,
    c128,
    change_some,
    const,
    each,
    f16,
    f32,
    f64,
    i8,
    i64,
    over,
    relax,
    u8,
    unary,
    without,
)

PAIR = (f64(2, 3, domain="positive"), f64(3, domain="positive"))
INTS = (i64(5), i64(5, domain="integral"))
STEPS = {"numeric": "a step function: central differences hit its jumps when values are whole"}
NOT_NEEDED = {"saved": "torch keeps both operands of a rounded quotient; its gradient, zero, reads neither"}
OTHER_ORDER = {"strides": "torch lays rsub(x, y) out like y, wengert like its first operand"}
HALF = {"jvp": "torch drops the imaginary part of the term that belongs to the real one of base and exponent"}
UNNAMED = {"inplace": "the error names floor_divide, torch's floor_divide_; values in place are compared below"}
WRITTEN_OUT = {"node": "rounding_mode=None written out and left out are one call here, two nodes in torch"}
NO_GRAD = ("forward", "strides", "node", "inplace", "out")

SUMS = [
    *binary("add"),
    *binary("add", arguments="alpha=2", edge=False, kinds="fic"),
    *binary("sub", kinds="fic"),
    *binary("sub", arguments="alpha=-0.5", edge=False, kinds="fc", promote=False),
    *change_some(
        without(
            {"inplace": "rsub has no in-place twin"},
            binary("rsub", kinds="fic", inplace=False, out=False, method=False),
        ),
        lambda s: any(i.layout == "transposed" for i in s.inputs),
        lambda found: without(OTHER_ORDER, found),
    ),
    *each("rsub", "t.rsub(x, {})", f64(3), "2", "2.5, alpha=3"),
]

PRODUCTS = [
    *binary("mul"),
    *binary("div", other="nonzero"),
    *binary("true_divide", other="nonzero", kinds="fi", edge=False),
    *without(NOT_NEEDED, binary("div", "nonzero", arguments="rounding_mode='trunc'", kinds="fi", promote=False)),
    *without(NOT_NEEDED, binary("div", "nonzero", arguments="rounding_mode='floor'", kinds="fi", promote=False)),
    *change_some(
        binary("floor_divide", "nonzero", kinds="fi", differentiable=False),
        lambda s: bool(s.inplace) and any(i.differentiable for i in s.inputs),
        lambda found: without(UNNAMED, found),
    ),
    *over(
        "floor_divide",
        "t.floor_divide(x, y)",
        (f64(2, 3, grad=False), f64(3, domain="nonzero", grad=False)),
        (f32(35, grad=False), f32(35, domain="nonzero", grad=False)),
        (f64(17, domain="edge", grad=False), f64(17, domain="nonzero", grad=False)),
        only=NO_GRAD,
        inplace="x.floor_divide_(y)",
    ),
    *binary("fmod", other="nonzero", kinds="fi"),
    *binary("remainder", other="nonzero", kinds="fi", signed_zeros=False),
]

POWERS = [
    *change_some(
        binary("pow", "positive", "any", kinds="fc", promote=False),
        lambda s: [i.dtype for i in s.inputs] == ["complex128", "float64"],
        lambda found: without(HALF, found),
    ),
    *over("pow", "t.pow(x, y)", INTS[:1] + (i64(5, domain="below4"),), (f64(3, domain="positive"), i64(3))),
    *each("pow", "x ** {}", f64(2, 3), "0", "1", "2", "3", "-1", "2.0", "True"),
    *each("pow", "x ** {}", f32(2, 3, domain="positive"), "0.5", "-0.5", "2.5", "-2"),
    *each("pow", "x ** {}", i64(5), "2", "3", "0", "0.5", "2.0"),
    *over("pow", "x ** y", (const([[2], [1], [-1], [0]], "int64"), const([-1, -2, -3, 3], "int8"))),
    *each("pow", "{} ** x", const([-1, 0, 3], "int8"), "-1", "300"),
    *each("pow", "x ** {}", c128(3), "2", "3", "0.5", "-1", "1+2j"),
    *each("pow", "{} ** x", f64(2, 3), "2", "0.5", "2.5", "1"),
    *each("pow", "{} ** x", i64(5, domain="below4"), "2", "2.0", "-3"),
    *each("pow", "t.pow({})", f64(3, domain="positive"), "x, 2", "2, x", "x, x", "x, 0.5"),
    *each("pow", "x.pow({})", f64(3), "2", "3", "-1", inplace="x.pow_({})", out="t.pow(x, {}, out=out)"),
    S("pow", "t.pow(x, 2)", f64(17, domain="edge"), only=NO_GRAD, signed_zeros=True),
    S("pow", "t.pow(x, 0.5)", f64(17, domain="edge"), only=NO_GRAD),
    S("pow", "x ** 2", c64(3)),
    S("float_power", "t.float_power(x, y)", f32(3, domain="positive"), f32(3)),
    S("float_power", "t.float_power(x, 2)", i64(4)),
]

SCALARS = [
    *each("add", "x + {}", f64(2, 3), "2", "2.5", "True", "np.float64(1.5)", inplace="x.add_({})"),
    *each("add", "{} + x", f64(2, 3), "2", "2.5", "True"),
    *each("add", "x + {}", f32(3), "2", "1e300", "1j", inplace="x.add_({})"),
    *each("add", "x + {}", i64(4), "2", "2.5", "True", "1j", inplace="x.add_({})"),
    *each("add", "x + {}", b8(4), "1", "2.5", "True", inplace="x.add_({})"),
    *each("add", "x + {}", f16(4), "1", "2.5"),
    *each("add", "t.add(x, {})", f64(3), "2, alpha=3", "2.5, alpha=0.5"),
    *each("sub", "x - {}", f64(2, 3), "2", "2.5", inplace="x.sub_({})"),
    *each("sub", "{} - x", f64(2, 3), "2", "2.5"),
    *each("sub", "{} - x", i64(3), "2", "2.5", "1j"),
    *each("mul", "x * {}", f64(2, 3), "2", "2.5", "0", "-1.5", inplace="x.mul_({})", out="t.mul(x, {}, out=out)"),
    *each("mul", "{} * x", f32(2, 3), "2", "2.5"),
    *each("mul", "x * {}", c128(3), "2", "1.5", "1-2j", inplace="x.mul_({})"),
    *each("mul", "x * {}", b8(4), "2", "True", "0.5", inplace="x.mul_({})"),
    *each("div", "x / {}", f64(2, 3), "2", "-2.5", inplace="x.div_({})", out="t.div(x, {}, out=out)"),
    *each("div", "{} / x", f64(2, 3, domain="nonzero"), "2", "-2.5", "1"),
    *each("div", "x / {}", i64(4), "2", "0", "2.5", inplace="x.div_({})"),
    *each("div", "{} / x", i64(4, domain="integral"), "2", "2.5"),
    *each("div", "t.div(300, x{})", i8(4, domain="integral"), "", ", rounding_mode='floor'"),
    *over("true_divide", "t.true_divide(-1, x)", const([2, 200], "uint8"), const(2, "uint8")),
    *each("div", "t.div(x, 2, rounding_mode={})", f64(4), "None", skip=WRITTEN_OUT),
    *each("div", "t.div(x, 2, rounding_mode={})", f64(4), "'floor'", "'trunc'", skip=NOT_NEEDED),
    *each("div", "t.div(x, 2, rounding_mode={})", i64(6), "None", "'floor'", "'trunc'"),
    *each("remainder", "x % {}", f64(2, 3), "2", "1.5", "-2", inplace="x.remainder_({})"),
    *each("remainder", "x % {}", i64(6), "3", "-3", "2.5"),
    *each("remainder", "t.{}", const([7, -2], "int8"), "remainder(x, 300)", "remainder(x, -129)", "fmod(x, 300)"),
    *each("remainder", "{} % x", i64(4, domain="integral"), "7", "2.5"),
    *each("fmod", "t.fmod(x, {})", f64(2, 3), "2", "-1.5", inplace="x.fmod_({})"),
    *each("fmod", "t.fmod(x, {})", i64(6), "3", "-3"),
    *each("floor_divide", "x // {}", f64(2, 3), "2", "-1.5", only=NO_GRAD),
    *each("floor_divide", "x // {}", f64(2, 3, grad=False), "2", "-1.5", only=NO_GRAD, inplace="x.floor_divide_({})"),
    *each("floor_divide", "x // {}", i64(6), "2", "-2", "2.5"),
    *each("floor_divide", "{} // x", i64(6, domain="integral"), "7", "-7"),
]

OPERATORS = [
    *over("add", "x + y", PAIR, (c128(2), f32(2)), (i64(2), f32()), (f32(2), f64()), (f32(), f64(2)), (b8(3), b8(3))),
    *over("sub", "x - y", PAIR, (c64(2), f64(2)), (u8(4), i8(4))),
    *over("mul", "x * y", PAIR, (c128(2, 1), c128(3)), (f64(2, 0), f64(1)), (f64(2, 1, 3), f64(4, 1))),
    *over("div", "x / y", PAIR, (c128(2), c128(2, domain="nonzero")), INTS),
    *over("floor_divide", "x // y", PAIR, INTS, only=NO_GRAD),
    *over("remainder", "x % y", PAIR, INTS),
    *over("pow", "x ** y", PAIR),
    *over("neg", "-x", f64(2, 3), c64(3), i64(3)),
    *over("positive", "+x", f64(2, 3), i64(3)),
    *over("add", "x += y", (f64(2, 3), f64(3)), (f32(3), f64(3)), (c128(2), f64(2)), (i64(3), i64(3))),
    *over("sub", "x -= y", (f64(2, 3), f64(3))),
    *over("mul", "x *= y", (f64(2, 3), f64(3)), (f64(3), f64(3, layout="strided"))),
    *over("div", "x /= y", (f64(2, 3), f64(3, domain="nonzero"))),
    *over("pow", "x **= 2", f64(3)),
    *over("remainder", "x %= 2", f64(3)),
    *over("add", "x + x", f64(3), c128(2)),
    *over("mul", "x * x", f64(3), c128(2), f64(0)),
]

TERNARY = [
    *each("addcmul", "t.addcmul(x, y, z{})", (f64(2, 3), f64(3), f64(2, 1)), "", ", value=0.5"),
    *each("addcmul", "x.addcmul(y, z, value={})", (f64(3), f64(3), f64(3)), "2", inplace="x.addcmul_(y, z, value={})"),
    *over(
        "addcmul", "t.addcmul(x, y, z)", (c128(3), c128(3), c128(3)), (i64(3), i64(3), i64(3)), (f32(3), f32(3), f32())
    ),
    *each("addcdiv", "t.addcdiv(x, y, z{})", (f64(2, 3), f64(3), f64(2, 1, domain="nonzero")), "", ", value=0.5"),
    S("addcdiv", "x.addcdiv(y, z)", f64(3), f64(3), f64(3, domain="nonzero"), inplace="x.addcdiv_(y, z)"),
    S("addcdiv", "t.addcdiv(x, y, z)", c128(3), c128(3), c128(3, domain="nonzero")),
    *each("lerp", "t.lerp(x, y, {})", (f64(2, 3), f64(3)), "0.3", "0.7", "2", "-1", out="t.lerp(x, y, {}, out=out)"),
    *over(
        "lerp", "t.lerp(x, y, z)", (f64(2, 3), f64(3), f64(2, 1, domain="prob")), (f32(3), f32(3), f32(3)), (f64(),) * 3
    ),
    S("lerp", "x.lerp(y, 0.3)", f64(3), f64(3), inplace="x.lerp_(y, 0.3)"),
    S("lerp", "t.lerp(x, y, z)", c128(3), c128(3), c128(3)),
]

UNARY = [
    *unary("neg", kinds="fic"),
    *unary("abs", kinds="fic"),
    *unary("square"),
    *unary("reciprocal", "nonzero"),
    *unary("sign", kinds="fib"),
    *unary("sgn"),
    *unary("floor", kinds="fi"),
    *unary("ceil", kinds="fi"),
    *unary("round", kinds="fi"),
    *unary("trunc", kinds="fi"),
    *unary("frac", kinds="f"),
    *unary("positive", kinds="fic", inplace=False, out=False),
    *over("round", "t.round(x, decimals=2)", f64(5), f32(5)),
    *over("round", "t.round(x, decimals=-1)", const([14.0, 15.0, 25.0, -5.0]), skip=STEPS),
    *over("abs", "abs(x)", f64(3)),
    *over("absolute", "t.absolute(x)", f64(3)),
    *over("negative", "t.negative(x)", f64(3)),
    *over("fix", "t.fix(x)", f64(3)),
]

LOGIC = [
    *each("bitwise_and", "t.bitwise_and(x, y)", (i64(6), i64(6)), "", inplace="x.bitwise_and_(y)"),
    *each("bitwise_or", "t.bitwise_or(x, y)", (i64(6), i64(6)), "", inplace="x.bitwise_or_(y)"),
    *each("bitwise_xor", "t.bitwise_xor(x, y)", (u8(6), u8(6)), "", inplace="x.bitwise_xor_(y)"),
    *over("bitwise_not", "~x", i64(4), b8(4), u8(4)),
    *each("bitwise_and", "x {} y", (b8(6), b8(6)), "&", "|", "^"),
    *each("bitwise_and", "x {} y", (i64(2, 3), i64(3)), "&", "|", "^"),
    *each("bitwise_left_shift", "x {} y", (i64(4), i64(4, domain="below4")), "<<", ">>"),
    *each("bitwise_and", "x {} 3", i64(4), "&", "|", "^", "<<", ">>"),
]

DTYPES = ("bool", "uint8", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128")
PROMOTION = [
    *each("add", "(x.to(t.{}) + y)", (const([1, 0], "int64"), const([1, 1], "float32")), *DTYPES, only=("forward",)),
    *each("mul", "(x.to(t.{}) * y)", (const([1, 0], "int64"), const([1, 1], "int64")), *DTYPES, only=("forward",)),
    *each(
        "mul", "(x.to(t.{}) * y.to(t.float64))", (const([1, 0], "int64"), const(1, "int64")), *DTYPES, only=("forward",)
    ),
    *each(
        "div",
        "(x.to(t.{}) / y.to(t.uint8))",
        (const([1, 0], "int64"), const([1, 1], "int64")),
        *DTYPES,
        only=("forward",),
    ),
    *each("mul", "(x.to(t.{}) * 2.5)", const([1, 0], "int64"), *DTYPES, only=("forward",)),
    *each(
        "result_type",
        "t.result_type({})",
        (i64(2), f32()),
        "x, y",
        "x, 2.5",
        "y, 1j",
        "x, 2",
        "y, 2",
        only=("forward",),
    ),
    *each("promote_types", "t.promote_types(t.int32, t.{})", (), *DTYPES, only=("forward",)),
    *each("can_cast", "t.can_cast(t.{}, t.int32)", (), *DTYPES, only=("forward",)),
]

SAMPLES = [
    *SUMS,
    *without(STEPS, PRODUCTS[-1:]),
    *PRODUCTS[:-1],
    *relax(2, "a power is exp(y * log(x)) in one library and a table-driven pow in the other", POWERS),
    *SCALARS,
    *OPERATORS,
    *TERNARY,
    *UNARY,
    *LOGIC,
    *PROMOTION,
]
