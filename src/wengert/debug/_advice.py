"""What makes operators give NaN or infinity, and how to mend it."""

from __future__ import annotations

from typing import Final

LOG: Final = (
    "log of 0 is -inf, and of a negative number NaN",
    "x.clamp_min(1e-12).log(), or a function that includes the log (log_softmax, logsumexp, log1p, "
    "binary_cross_entropy_with_logits)",
)
ROOT: Final = ("the square root of a negative number is NaN", "x.clamp_min(0).sqrt()")
DIVISION: Final = (
    "x / 0 is inf, and 0 / 0 is NaN",
    "add an eps to the divisor, or where() on it: x / where(y == 0, 1, y)",
)
OVERFLOW: Final = (
    "the result is larger than the dtype can hold (float32: exp(x) for x > 88.7)",
    "subtract the maximum first, or use logsumexp, softmax, softplus, which do",
)
DOMAIN: Final = ("the function is defined between -1 and 1 only", "x.clamp(-1, 1) on the input")
POWER: Final = (
    "0 to a negative power is inf, a negative number to a fractional power NaN, and large powers overflow",
    "clamp_min(eps) on the base",
)
PRODUCT: Final = (
    "the product is too large for the dtype, or it is 0 * inf or inf - inf",
    "look for the operand that is too large; scale it, or work with logarithms",
)

FORWARD: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(("log", "log2", "log10", "log1p", "xlogy", "logit"), LOG),
    **dict.fromkeys(("sqrt", "rsqrt"), ROOT),
    **dict.fromkeys(("div", "reciprocal", "remainder", "fmod"), DIVISION),
    **dict.fromkeys(("exp", "exp2", "expm1", "sinh", "cosh", "cumprod", "prod"), OVERFLOW),
    **dict.fromkeys(("acos", "asin", "atanh"), DOMAIN),
    "pow": POWER,
    **dict.fromkeys(("mul", "add", "sub", "mm", "bmm", "mv", "dot", "addmm", "sum", "mean"), PRODUCT),
}

EMPTY_ROW: Final = (
    "every element of a row is -inf: a mask that leaves nothing of it",
    "leave at least one element of each row unmasked, or replace empty rows with where() on the input",
)
# Operators that make NaN of infinities.
FROM_INFINITY: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(("softmax", "logsoftmax", "logsumexp"), EMPTY_ROW),
    "mul": ("0 * inf is NaN", "where() on the operand that is infinite"),
    **dict.fromkeys(("sub", "add"), ("inf - inf is NaN", "where() on the operand that is infinite")),
    "div": ("inf / inf is NaN", "where() on the operand that is infinite"),
}

AT_ZERO: Final = "the derivative is infinite at 0"
BACKWARD: Final[dict[str, tuple[str, str]]] = {
    "sqrt": (f"d sqrt(x) = 1 / (2 sqrt(x)): {AT_ZERO}", "(x + eps).sqrt(), or x.clamp_min(eps).sqrt()"),
    "rsqrt": (f"d x**-0.5 = -0.5 x**-1.5: {AT_ZERO}", "(x + eps).rsqrt()"),
    "pow": (f"d x**p = p x**(p - 1): {AT_ZERO} for p < 1", "x.clamp_min(eps) as the base"),
    **dict.fromkeys(("log", "log2", "log10"), (f"d log(x) = 1 / x: {AT_ZERO}", "x.clamp_min(eps).log()")),
    "log1p": ("d log1p(x) = 1 / (1 + x): infinite at -1", "clamp the input above -1"),
    **dict.fromkeys(("div", "reciprocal"), (f"d (1 / y) = -1 / y**2: {AT_ZERO}", "add an eps to the divisor")),
    **dict.fromkeys(("acos", "asin"), ("the derivative is infinite at -1 and 1", "x.clamp(-1 + eps, 1 - eps)")),
    "atanh": ("the derivative is infinite at -1 and 1", "x.clamp(-1 + eps, 1 - eps)"),
    "atan2": ("the derivative is 0 / 0 where both arguments are 0", "add an eps to one of them"),
    **dict.fromkeys(
        ("linalgvectornorm", "norm", "dist", "cdist", "std"),
        (
            f"the gradient divides by the result: {AT_ZERO}",
            "the root of the sum plus eps: (x * x).sum().add(eps).sqrt()",
        ),
    ),
    **dict.fromkeys(("exp", "mul", "sinh", "cosh"), PRODUCT),
}
MASKED: Final = (
    "the gradient that comes in there is 0, and 0 * inf = NaN: a mask on the result comes too late",
    "mask the input: safe = where(mask, x, 1.0), then where(mask, f(safe), other)",
)
MASKING: Final = frozenset({"where", "maskedfill", "maskedscatter", "maskedselect", "nantonum"})
ZEROING: Final = MASKING | {"mul", "clamp", "relu", "max", "min", "maximum", "minimum", "index"}
UNKNOWN: Final = ("", "look at the operands above")
