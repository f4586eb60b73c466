#!/bin/sh
# Builds the thumbnailer, lets it crash and packs both files. Needs g++ and /proc/sys/kernel/core_pattern = "core".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=/tmp/crash
rm -rf "$dir" && mkdir -p "$dir" && cp "$here"/*.cc "$here"/*.h "$dir" && cd "$dir"
g++ -std=c++17 -O2 -fPIE -static-pie -nostdlib -nostartfiles -ffreestanding \
  -fomit-frame-pointer -fno-optimize-sibling-calls -fno-ipa-cp -fno-ipa-sra -fno-stack-protector -fno-exceptions -fno-rtti \
  -fasynchronous-unwind-tables -Wl,--build-id=sha1,--eh-frame-hdr,-z,noexecstack \
  -o thumbnail thumbnail.cc runtime.cc
chmod 0777 "$dir"
# An empty environment, an ordinary user: the core holds the stack, the heap and nothing of the machine.
as_user='env -i'
[ "$(id -u)" = 0 ] && as_user='setpriv --reuid 1000 --regid 1000 --clear-groups env -i'
ulimit -c unlimited
$as_user ./thumbnail || echo "thumbnail ended with status $?"
core=$(ls core* | head -n 1)
gzip -9 -n -c thumbnail > "$here/thumbnail.gz"
gzip -9 -n -c "$core" > "$here/core.gz"
ls -l thumbnail "$core" "$here"/*.gz
