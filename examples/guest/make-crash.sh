#!/bin/sh
# Makes crash.gz again, the program that `npm start` runs: where Debian's cross compiler for riscv64 is installed.
# The same compiler makes the same bytes.
set -eu
cd "$(dirname "$0")"
out=${1:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
riscv64-linux-gnu-gcc -std=c11 -O1 -Wall -Wextra -Werror -static -nostdlib -nostartfiles -ffreestanding \
  -fno-pic -no-pie -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-stack-protector \
  -fno-asynchronous-unwind-tables -Wl,--build-id=none,-z,noexecstack,-z,norelro \
  -o "$work/crash" crash.c runtime.c symbolize.c
gzip -9nc "$work/crash" > "$out/crash.gz"
