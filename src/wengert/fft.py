"""Discrete Fourier transforms, their sample frequencies, and shifts of spectra."""

from __future__ import annotations

from ._gen.fft import *  # noqa: F403
