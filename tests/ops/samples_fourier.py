"""Discrete Fourier transforms: all three kinds, in one and several dimensions, with sizes, scalings, promotion, layouts."""

from __future__ import annotations

from tests.ops.sample import VALUE, S, Sample, c64, c128, const, each, f32, f64, i64, over, relax, without

ONE = ("", "n=3", "n=8", "dim=0", "norm='ortho'", "norm='forward'", "4, -2, 'ortho'")
MANY = ("", "s=(3, 8)", "s=(-1, 3)", "dim=(1, 0)", "norm='ortho'", "norm='forward'", "(2, 7), (0, 1), 'forward'")
REAL = (f64(7), f32(2, 4), f64(3, 4, layout="transposed"), f64(4, 3, layout="strided"), f64(3, 1, 4))
COMPLEX = (c128(7), c64(2, 4), c128(3, 4, layout="transposed"), c128(4, 3, layout="strided"), c128(3, 1, 4))
SIZE_ONLY = {"saved": "torch keeps the signal, of which the gradient reads the size only"}


def one_dimension() -> list[Sample]:
    """Transforms along one dimension."""
    samples: list[Sample] = []
    for name in ("fft", "ifft", "rfft", "ihfft", "irfft", "hfft"):
        op, code, out = f"fft.{name}", f"t.fft.{name}(x, {{}})", f"t.fft.{name}(x, {{}}, out=out)"
        plain = f"t.fft.{name}(x)"
        if name not in ("rfft", "ihfft"):
            samples += each(op, code, c128(4, 5), *ONE, out=out)
            samples += over(op, plain, *COMPLEX)
        samples += each(op, code, f64(4, 5), *ONE, out=out)
        samples += over(op, plain, *REAL)
        samples += over(op, plain, i64(6), const([True, False, True], "bool"), only=VALUE)
        samples += over(op, f"t.fft.{name}(x, dim=0)", f64(3, 2, 4), f64(4, 3, layout="transposed"))
    return samples


def several_dimensions() -> list[Sample]:
    """Transforms along two and more dimensions."""
    samples: list[Sample] = []
    for stem in ("fft", "ifft", "rfft", "ihfft", "irfft", "hfft"):
        for name in (stem + "2", stem + "n"):
            op, code, out = f"fft.{name}", f"t.fft.{name}(x, {{}})", f"t.fft.{name}(x, {{}}, out=out)"
            plain = f"t.fft.{name}(x)"
            if stem not in ("rfft", "ihfft"):
                samples += each(op, code, c128(4, 5), *MANY, out=out)
                samples += over(op, plain, *COMPLEX[1:])
            samples += each(op, code, f64(4, 5), *MANY, out=out)
            samples += over(op, plain, *REAL[1:])
            samples += over(op, plain, i64(2, 3), only=VALUE)
        three = c128(2, 3, 4) if stem not in ("rfft", "ihfft") else f64(2, 3, 4)
        samples += each(f"fft.{stem}n", f"t.fft.{stem}n(x, {{}})", three, "", "dim=(0, 2)", "dim=(2, 0)", "dim=1")
        samples += each(f"fft.{stem}n", f"t.fft.{stem}n(x.permute(2, 0, 1), {{}})", three, "", "dim=(0, 1)")
    samples.append(S("fft.fftn", "t.fft.fftn(x, dim=())", c128(2, 3)))
    samples.append(S("fft.fftn", "t.fft.fftn(x)", f64()))
    return samples


SHIFTS = [
    *each("fft.fftshift", "t.fft.fftshift(x, {})", f64(4, 5), "", "dim=0", "dim=(1,)", "dim=(0, 1)"),
    *each("fft.ifftshift", "t.fft.ifftshift(x, {})", c128(4, 5), "", "dim=0", "dim=(1,)", "dim=(0, 1)"),
    *over("fft.fftshift", "t.fft.fftshift(t.fft.fft(x))", f64(5)),
]
FREQUENCIES = [
    *each("fft.fftfreq", "t.fft.fftfreq({})", (), "5", "4, 0.5", "1", "4, d=2", "3, dtype=t.float64", "4, d=0"),
    *each("fft.rfftfreq", "t.fft.rfftfreq({})", (), "5", "4, 0.5", "1", "4, d=2", "3, dtype=t.float64", "0"),
]
DEEP = [
    S("fft.fft", "t.fft.ifft(t.fft.fft(x)).real", f64(6)),
    S("fft.irfft", "t.fft.irfft(t.fft.rfft(x) * t.fft.rfft(y), n=5)", f64(5), f64(5)),
    S("fft.fft2", "t.fft.fft2(x).abs().square().sum()", f64(3, 4)),
    S("fft.rfft", "t.fft.rfft(x).abs()", f64(7)),
]

SAMPLES = relax(
    8,
    "two libraries add up in another order",
    without(SIZE_ONLY, [*one_dimension(), *several_dimensions(), *SHIFTS, *FREQUENCIES, *DEEP]),
)
