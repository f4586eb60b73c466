#!/bin/sh
# Compiles glog.cc into ROOT/usr/bin or another directory: where Debian's cross compiler for riscv64 is installed, with
# the headers and libraries of a root that tools/riscv64-root.mjs made. `sh make-glog.sh ROOT [DIRECTORY]`
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$1
out=${2:-$root/usr/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Only these: the root's C library is newer than the compiler's.
mkdir "$work/include"
cp -r "$root/usr/include/glog" "$root/usr/include/gflags" "$work/include"
cp "$here/glog.cc" "$work"
cd "$work"
riscv64-linux-gnu-g++ -std=c++17 -O1 -fno-optimize-sibling-calls -Iinclude -o glog glog.cc \
  "$root/usr/lib/riscv64-linux-gnu/libglog.so" -Wl,--allow-shlib-undefined,--build-id=none
cp glog "$out"
