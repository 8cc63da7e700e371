#!/bin/sh
# A RUSTC_WORKSPACE_WRAPPER: compiles the crates of this workspace with the coverage that guides
# libFuzzer, and with checks of assertions and overflows. Their dependencies stay as they are, so
# that they need not be compiled again.
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks
