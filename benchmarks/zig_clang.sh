#!/bin/sh
# The clang inside of zig, at $ZIG: tinygrad takes its compiler from CC as the name of one program, without arguments. What
# `zig clang` takes is what clang takes; `zig cc` has its own idea of targets.
exec "$ZIG" clang "$@"
