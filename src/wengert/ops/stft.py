"""Short-time Fourier transform and its inverse: spectra of overlapping, windowed frames of a signal."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._core import errors
from .._core.dtypes import COMPLEX, FLOATING, intern_size
from .._core.tensor_base import TensorBase
from .._record.common import int_of, make
from .._record.general import general
from .complex_views import view_as_real
from .fourier import BY_N, BY_ROOT_N, NONE, FftC2CBackward0, FftC2RBackward0, FftR2CBackward0
from .pad import constant_pad_nd, pad
from .shape_parts import UnfoldBackward0, UnfoldBackwardBackward0

if TYPE_CHECKING:
    from .._tensor import Tensor

NO_WINDOW: Final = (
    "A window was not provided. A rectangular window will be applied,which is known to cause spectral leakage. Other windows "
    "such as torch.hann_window or torch.hamming_window are recommended to reduce spectral leakage.To suppress this warning and "
    "use a rectangular window, explicitly set `window=torch.ones(n_fft, device=<device>)`."
)
NO_WINDOW_BACK: Final = (
    "A window was not provided. A rectangular window will be applied.Please provide the same window used by stft to make the "
    "inversion lossless.To suppress this warning and use a rectangular window, explicitly set `window=torch.ones(n_fft, "
    "device=<device>)`."
)
REAL_RESULT: Final = (
    "stft with return_complex=False is deprecated. In a future pytorch release, stft will return complex tensors for all "
    "inputs, and return_complex=False will raise an error.\nNote: you can still call torch.view_as_real on the complex output to "
    "recover the old return format."
)
NEEDS_RETURN_COMPLEX: Final = (
    "stft requires the return_complex parameter be given for real inputs, and will further require that return_complex=True in "
    "a future PyTorch release."
)
SHORT: Final = (
    "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. Please check "
    "your center and hop_length settings."
)
ONE_SIDED: Final = "Cannot have onesided output if window or input is complex"


def flag(value: Any) -> str:
    """An optional bool as PyTorch's messages write it."""
    return "None" if value is None else str(int(value))


class Frames:
    """Lengths of the frames of one call, and how its messages begin."""

    def __init__(self, name: str, x: TensorBase, n_fft: Any, hop_length: Any, win_length: Any, window: Any) -> None:
        self.n_fft: int = self.whole(name, "n_fft", n_fft, 2)
        self.hop: int = self.n_fft // 4 if hop_length is None else self.whole(name, "hop_length", hop_length, 3)
        self.width: int = self.n_fft if win_length is None else self.whole(name, "win_length", win_length, 4)
        if window is not None and not isinstance(window, TensorBase):
            raise errors.argument_type(name, "window", 5, "Tensor", window)
        shown = "None"
        if window is not None:
            shown = f"{errors.tensor_type_name(window.dt)}{{{errors.shape_text(window.shp)}}}"
        self.head: str = f"{name}({errors.tensor_type_name(x.dt)}"
        self.lengths: str = f", n_fft={self.n_fft}, hop_length={self.hop}, win_length={self.width}, window={shown}"
        self.flags: str = ""

    def whole(self, name: str, argument: str, value: Any, position: int) -> int:
        """An integer argument."""
        if isinstance(value, (bool, float, str)):
            raise errors.argument_type(name, argument, position, "int", value)
        return int_of(value, argument)

    def refused(self, x: TensorBase, why: str) -> RuntimeError:
        """What is wrong, after the call as PyTorch's messages repeat it."""
        return RuntimeError(f"{self.head}{errors.shape_text(x.shp)}{self.lengths}{self.flags}) {why}")


def stft(self: Tensor, n_fft: Any, hop_length: Any = None, win_length: Any = None, window: Any = None,
         center: Any = True, pad_mode: Any = "reflect", normalized: Any = False, onesided: Any = None,
         return_complex: Any = None, align_to_window: Any = None) -> Tensor:  # fmt: skip
    """Short-time Fourier transform: ``X[k, m] = sum_j window[j] x[m hop + j] exp(-2 pi i j k / n_fft)``.

    Args:
        self: signal or batch of signals, (time) or (batch, time), real or complex.
        n_fft: length of the frames that are transformed.
        hop_length: from frame to frame; a quarter of ``n_fft`` unless given.
        win_length: length of the window, ``n_fft`` unless given; a shorter window is filled up with zeros on both sides.
        window: factors, (win_length); ones without it, with a warning.
        center: whether frame m is centred at ``m hop``: the signal is padded at both ends by ``n_fft // 2``.
        pad_mode: how, see ``nn.functional.pad``.
        normalized: divide by sqrt(n_fft).
        onesided: leave out the negative frequencies; the default for real signals and windows.
        return_complex: must be given for real signals; False gives pairs of real numbers (deprecated).
        align_to_window: without ``center``, whether the first window (rather than the first frame) starts with the signal.

    Returns:
        (..., frequencies, frames), complex.

    Gradient:
        to the signal, summed where frames overlap, and to the window.

    Raises:
        RuntimeError: for lengths that do not fit, integers, and ``onesided`` with complex numbers.

    Variants: function method
    """
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false")
        self = centred(self, int_of(n_fft, "n_fft") // 2, pad_mode)
    frames = Frames("stft", self, n_fft, hop_length, win_length, window)
    frames.flags = (
        f", normalized={flag(normalized)}, onesided={flag(onesided)}, return_complex={flag(return_complex)}"
        f", align_to_window={flag(align_to_window)}"
    )
    if window is None:
        warnings.warn(NO_WINDOW, UserWarning, stacklevel=3)
    complex_numbers = self.dt.category == COMPLEX or (window is not None and window.dt.category == COMPLEX)
    if return_complex is None and not complex_numbers:
        raise RuntimeError(NEEDS_RETURN_COMPLEX)
    check_signal(frames, self, window, bool(align_to_window))
    x = self.unsqueeze(0) if len(self.shp) == 1 else self
    if align_to_window:
        left = (frames.n_fft - frames.width) // 2
        x = constant_pad_nd(x, (left, frames.n_fft - frames.width - left))
    spectra = transformed(frames, x, window, bool(normalized), onesided)
    if len(self.shp) == 1:
        spectra = spectra.squeeze_(0)
    if return_complex is None or return_complex:
        return spectra
    warnings.warn(REAL_RESULT, UserWarning, stacklevel=3)
    return view_as_real(spectra)


def centred(x: Tensor, width: int, mode: Any) -> Tensor:
    """The signal with ``width`` more points at both ends: where they come from says ``mode``."""
    ndim = len(x.shp)
    wide = pad(x.view((1,) * (3 - ndim) + tuple(x.shp)), (width, width), mode)
    return wide.view(wide.shp[3 - ndim :])


def check_signal(frames: Frames, x: TensorBase, window: Any, aligned: bool) -> None:
    """Refuse signals and lengths that do not fit."""
    if x.dt.category < FLOATING:
        raise frames.refused(x, ": expected a tensor of floating point or complex values")
    if x.dt.name == "float16":
        raise RuntimeError("MKL FFT doesn't support tensors of type: Half")
    if len(x.shp) not in (1, 2):
        raise frames.refused(x, ": expected a 1D or 2D tensor")
    points = x.shp[-1]
    if frames.n_fft <= 0 or frames.n_fft > points:
        raise frames.refused(x, f": expected 0 < n_fft < {points}, but got n_fft={frames.n_fft}")
    if frames.hop <= 0:
        raise frames.refused(x, f": expected hop_length > 0, but got hop_length={frames.hop}")
    if frames.width <= 0 or frames.width > frames.n_fft:
        raise frames.refused(x, f": expected 0 < win_length <= n_fft, but got win_length={frames.width}")
    if window is not None and window.shp != (frames.width,):
        raise frames.refused(
            x,
            f": expected a 1D window tensor of size equal to win_length={frames.width}, but got window with size "
            + errors.shape_text(window.shp),
        )


def transformed(frames: Frames, x: Tensor, window: Any, normalized: bool, onesided: Any) -> Tensor:
    """Spectra of the frames of a batch of signals: (batch, frequencies, frames)."""
    n = frames.n_fft
    parts = x.unfold(1, n, frames.hop)
    if window is not None or frames.width < n:
        parts = parts * filled_up(frames, window, x)
    norm = BY_ROOT_N if normalized else NONE
    if parts.dt.category == COMPLEX:
        if onesided:
            raise RuntimeError(ONE_SIDED)
        spectra = general(FftC2CBackward0((2,), norm, True), [parts])
    else:
        half = True if onesided is None else bool(onesided)
        spectra = general(FftR2CBackward0((2,), norm, half, n), [parts])
    return spectra.transpose_(1, 2)


def filled_up(frames: Frames, window: Any, like: TensorBase) -> Tensor:
    """The window, or ones, with zeros on both sides up to the length of a frame."""
    given: Tensor = make(np.ones(frames.width, like.dt.to_real().np)) if window is None else window
    if frames.width == frames.n_fft:
        return given
    left = (frames.n_fft - frames.width) // 2
    return constant_pad_nd(given, (left, frames.n_fft - frames.width - left))


def istft(self: Tensor, n_fft: Any, hop_length: Any = None, win_length: Any = None, window: Any = None,
          center: Any = True, normalized: Any = False, onesided: Any = None, length: Any = None,
          return_complex: Any = False) -> Tensor:  # fmt: skip
    """Inverse of ``stft``: the signal whose frames have, in the sense of least squares, the given spectra.

    Frames are transformed back, multiplied with the window, added up where they overlap, and divided by the sum of the
    squares of the windows there.

    Args:
        self: spectra, (frequencies, frames) or (batch, frequencies, frames), complex.
        n_fft, hop_length, win_length, window, normalized: as given to ``stft``.
        center: whether ``stft`` padded the signal: ``n_fft // 2`` points are cut off at both ends.
        onesided: whether negative frequencies were left out; read off the shape unless given.
        length: of the result; what is missing is filled up with zeros, with a warning.
        return_complex: the signal is complex.

    Returns:
        (time) or (batch, time).

    Gradient:
        to the spectra and to the window.

    Raises:
        RuntimeError: for lengths that do not fit, and where the windows leave a gap.

    Variants: function method
    """
    frames = Frames("istft", self, n_fft, hop_length, win_length, window)
    points = None if length is None else frames.whole("istft", "length", length, 9)
    frames.flags = (
        f", center={flag(center)}, normalized={flag(normalized)}, onesided={flag(onesided)}, "
        f"length={'None' if points is None else points}, return_complex={flag(return_complex)}"
    )
    if window is None:
        warnings.warn(NO_WINDOW_BACK, UserWarning, stacklevel=3)
    check_spectra(frames, self, window, onesided)
    halved = self.shp[-2] != frames.n_fft if onesided is None else bool(onesided)
    x = self.unsqueeze(0) if len(self.shp) == 2 else self
    parts = signals(frames, x.transpose(1, 2), window, bool(normalized), halved, bool(return_complex))
    shape = filled_up(frames, window, parts)
    total = frames.n_fft + frames.hop * (x.shp[2] - 1)
    y = overlapped(frames, parts * shape, x.shp[0], total)
    envelope = overlapped(frames, shape.pow(2).expand(1, x.shp[2], frames.n_fft), 1, total)
    start = frames.n_fft // 2 if center else 0
    end = total - start if points is None else start + points
    kept = min(end, total)
    if kept <= start:
        raise frames.refused(self, ": no point of the signal is left")
    y = y.narrow(1, start, kept - start)
    envelope = envelope.narrow(1, start, kept - start)
    if bool((envelope.detach().abs().amin() < 1e-11).item()):
        raise frames.refused(self, "window overlap add min: 1")
    y = y / envelope
    if len(self.shp) == 2:
        y = y.squeeze(0)
    if end > total:
        warnings.warn(SHORT, UserWarning, stacklevel=3)
        y = constant_pad_nd(y, (0, end - total))
    return y


def check_spectra(frames: Frames, x: TensorBase, window: Any, onesided: Any) -> None:
    """Refuse spectra and lengths that do not fit."""
    if x.dt.category != COMPLEX:
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    n = frames.n_fft
    if len(x.shp) < 2:
        raise IndexError("Dimension out of range (expected to be in range of [-2, 1], but got -3)")
    if x.array.size == 0:
        raise frames.refused(x, ": input tensor cannot be empty.")
    if len(x.shp) > 3:
        raise frames.refused(x, f": expected a tensor with 3 or 4 dimensions, but got {len(x.shp) + 1}")
    found = x.shp[-2]
    halved = found != n if onesided is None else bool(onesided)
    what = "expected the frequency dimension (3rd to the last) of the input tensor to match"
    if halved and n // 2 + 1 != found:
        raise frames.refused(x, f": {what} n_fft / 2 + 1 when onesided=True, but got {found}")
    if not halved and n != found:
        raise frames.refused(x, f": {what} n_fft when onesided=False, but got {found}")
    if not 0 < frames.hop <= frames.width:
        raise frames.refused(x, ": expected 0 < hop_length <= win_length")
    if not 0 < frames.width <= n:
        raise frames.refused(x, ": expected 0 < win_length <= n_fft")
    if window is not None and window.shp != (frames.width,):
        raise frames.refused(x, ": Invalid window shape. window has to be 1D and length of `win_length`")


def signals(frames: Frames, x: Tensor, window: Any, normalized: bool, halved: bool, to_complex: bool) -> Tensor:
    """Inverse transforms along the last dimension."""
    n = frames.n_fft
    norm = BY_ROOT_N if normalized else BY_N
    if to_complex:
        if halved:
            raise RuntimeError(ONE_SIDED)
        return general(FftC2CBackward0((2,), norm, False), [x])
    if window is not None and window.dt.category == COMPLEX:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    if not halved:
        x = x.narrow(2, 0, n // 2 + 1)
    return general(FftC2RBackward0((2,), norm, n), [x])


def overlapped(frames: Frames, parts: Tensor, batch: int, total: int) -> Tensor:
    """Frames (batch, frames, n) added up where they overlap, as signals (batch, total)."""
    windows = UnfoldBackward0(1, frames.n_fft, frames.hop)
    windows.shape = intern_size((batch, total))
    return general(UnfoldBackwardBackward0(windows), [parts])
