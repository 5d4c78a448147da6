"""Damages files at random and loads them: nothing but the documented exceptions may come of it, and no crash.

python -m tests.saving.fuzz [SECONDS [SEED]]
"""

from __future__ import annotations

import collections
import importlib
import io
import pickle
import random
import sys
import time
import warnings
import zipfile
from typing import Any

import numpy as np

import wengert
from wengert import serialization

from .forge import archive

EXPECTED = (pickle.UnpicklingError, RuntimeError, EOFError)
OPCODES = b"(0Rbtseu]})2Qh\x81\x93\x85\x86\x87\x94."


def saved(library: Any, value: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    library.save(value, file, **options)
    return file.getvalue()


def files() -> list[bytes]:
    """One of each format."""
    torch = importlib.import_module("torch")
    value = {"a": torch.ones(3), "b": torch.nn.Parameter(torch.zeros(2))}
    found = [saved(torch, value), saved(wengert, {"a": wengert.ones(3)})]
    found.append(saved(torch, value, _use_new_zipfile_serialization=False))
    for write in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        write(file, a=np.ones(300), b=np.arange(3))
        found.append(file.getvalue())
    file = io.BytesIO()
    np.save(file, np.ones(3))
    found.append(file.getvalue())
    file = io.BytesIO()
    serialization.save_safetensors({"a": wengert.ones(3)}, file)
    return [*found, file.getvalue()]


def programs() -> list[tuple[bytes, dict[str, bytes]]]:
    """Pickles of checkpoints with all that may be in them, and their storages."""
    torch = importlib.import_module("torch")
    labelled = torch.ones(1)
    labelled.label = 4
    value = {
        "tensors": [torch.arange(6).reshape(2, 3)[:, 1:], torch.nn.Parameter(torch.ones(2)), labelled],
        "rest": [torch.Size([2]), 1 + 2j, b"ab", {1, 2}, 300, 2**70, 1.5, torch.float16, collections.Counter("aab")],
        "arrays": [np.ones(3), np.float64(3), torch.ones(2, dtype=torch.uint16), torch.nn.Linear(1, 1).state_dict()],
    }
    found = []
    for protocol in (2, 4):
        content = zipfile.ZipFile(io.BytesIO(saved(torch, value, pickle_protocol=protocol)))
        parts = {name.partition("/")[2]: content.read(name) for name in content.namelist()}
        storages = {name[5:]: data for name, data in parts.items() if name.startswith("data/")}
        found.append((parts["data.pkl"], storages))
    return found


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content with a few bytes changed, taken out, repeated or put in."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        i, kind = rng.randrange(len(data)), rng.random()
        if kind < 0.55:
            data[i] = rng.choice([0, 255, rng.randrange(256)])
        elif kind < 0.7:
            del data[i : i + rng.randrange(1, 6)]
        elif kind < 0.85:
            j = rng.randrange(len(data))
            data[i:i] = data[j : j + rng.randrange(1, 30)]
        else:
            data[i:i] = bytes([rng.choice(OPCODES)])
        if not data:
            return b""
    return bytes(data)


def run(seconds: float, seed: int) -> collections.Counter[str]:
    """How often what came of it."""
    rng, whole, texts = random.Random(seed), files(), programs()
    seen: collections.Counter[str] = collections.Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if rng.random() < 0.5:
            file = io.BytesIO(damaged(rng.choice(whole), rng))
        else:
            text, storages = rng.choice(texts)
            file = archive(damaged(text, rng), storages)
        try:
            wengert.load(file)
            seen["loaded"] += 1
        except EXPECTED:
            seen["refused"] += 1
        except Exception as error:
            seen[f"{type(error).__name__}: {error}"] += 1
    return seen


def main() -> None:
    """Print what came of it; exit code 1 if anything unexpected did."""
    seconds, seed = (float(sys.argv[1]) if sys.argv[1:] else 30.0), (int(sys.argv[2]) if sys.argv[2:] else 0)
    warnings.simplefilter("ignore")
    seen = run(seconds, seed)
    print(f"seed {seed}: {dict(seen)}")
    sys.exit(bool(set(seen) - {"loaded", "refused"}))


if __name__ == "__main__":
    main()
