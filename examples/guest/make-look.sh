#!/bin/sh
# Makes look.gz again, as make-crash.sh makes its program.
set -eu
cd "$(dirname "$0")"
out=${1:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
riscv64-linux-gnu-gcc -std=c11 -O1 -Wall -Wextra -Werror -static -nostdlib -nostartfiles -ffreestanding \
  -fno-pic -no-pie -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-stack-protector \
  -fno-asynchronous-unwind-tables -Wl,--build-id=none,-z,noexecstack,-z,norelro \
  -o "$work/look" look.c runtime.c
gzip -9nc "$work/look" > "$out/look.gz"
