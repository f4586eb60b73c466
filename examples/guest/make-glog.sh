#!/bin/sh
# Makes glog.gz again: where Debian's cross compiler for riscv64 is installed, with the headers and libraries of a
# root that tools/riscv64-root.mjs made. `sh make-glog.sh ROOT [DIRECTORY [SOURCE]]`
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$1
out=${2:-$here}
source=${3:-$here/glog.cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Only these: the root's C library is newer than the compiler's.
mkdir "$work/include"
cp -r "$root/usr/include/glog" "$root/usr/include/gflags" "$work/include"
name=$(basename "$source" .cc)
cp "$source" "$work/$name.cc"
cd "$work"
riscv64-linux-gnu-g++ -std=c++17 -O1 -fno-optimize-sibling-calls -Iinclude -o "$name" "$name.cc" \
  "$root/usr/lib/riscv64-linux-gnu/libglog.so" -Wl,--allow-shlib-undefined,--build-id=none
gzip -9nc "$name" > "$out/$name.gz"
