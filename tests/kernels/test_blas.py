"""Small factorisations on one thread of BLAS, and BLAS as it was afterwards."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest

import wengert as torch
from wengert.kernels import blas


class Library:
    """Stands for OpenBLAS."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def get(self) -> int:
        return self.threads

    def put(self, count: int) -> None:
        self.threads = count


@pytest.fixture
def library(monkeypatch: Any) -> Library:
    made = Library(4)
    monkeypatch.setattr(blas.ONE_THREAD, "functions", (made.get, made.put))
    return made


def test_small_matrices_get_one_thread_and_large_ones_all(library: Library) -> None:
    with blas.threads_for(np.zeros((3, 256, 7))):
        assert library.threads == 1
    assert library.threads == 4
    with blas.threads_for(np.zeros((257, 2))):
        assert library.threads == 4


def test_the_last_to_leave_gives_the_threads_back(library: Library) -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with blas.threads_for(np.zeros((2, 2))):
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait()
    with blas.threads_for(np.zeros((2, 2))):
        pass
    assert library.threads == 1
    leave.set()
    thread.join()
    assert library.threads == 4


def test_an_error_gives_the_threads_back(library: Library) -> None:
    with pytest.raises(ValueError), blas.threads_for(np.zeros((2, 2))):
        raise ValueError
    assert library.threads == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_of_a_fork_inside_starts_anew(library: Library) -> None:
    with blas.threads_for(np.zeros((2, 2))):
        child = os.fork()
        if child == 0:
            free = blas.ONE_THREAD.lock.acquire(timeout=5)
            os._exit(0 if free and library.threads == 4 and blas.ONE_THREAD.users == 0 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_without_openblas_nothing_is_done() -> None:
    assert blas._nothing() == blas._nothing(3) == 0


def test_openblas_of_this_numpy_is_found_and_keeps_its_threads() -> None:
    get, _ = blas._functions()
    before = get()
    torch.linalg.svd(torch.randn(20, 20))
    torch.linalg.eigh(torch.eye(20))
    torch.linalg.qr(torch.randn(20, 20))
    assert get() == before
