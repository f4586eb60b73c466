// The test files that stay in Node, and what each needs that a browser has not. Every other file runs in both
// browsers (test/browser/suite.test.ts), a new one too: it is listed here, or it fails there.

/** By the path of the test below test/, without `.test.ts`; a path that ends with `/` is a directory. */
export const HOST_ONLY: ReadonlyMap<string, string> = new Map([
  ['adapters/emscripten', 'the Pyodide of node_modules'],
  ['adapters/node-fs', 'the node:fs that it is compared with'],
  ['api/lazy-core', 'sparse files on a disk'],
  ['browser/', 'the browsers themselves'],
  ['cli/', 'the commands, which are programs of Node'],
  ['cpu/differential', 'a compiler and qemu'],
  ['cpu/programs', 'a compiler and qemu'],
  ['elf/debug-link', 'the zlib that its checksums are compared with'],
  ['elf/kernel-core', 'a core that this kernel writes'],
  ['elf/machines', 'cross compilers and qemu'],
  ['elf/readers', 'gdb, lldb and elfutils'],
  ['elf/xz', 'the program xz'],
  ['examples', 'the examples, which are programs of Node'],
  ['examples/label-policy', 'an example, which is a program of Node'],
  ['fuse/abi', "a compiler and the kernel's header"],
  ['fuse/clients', '/dev/fuse'],
  ['fuse/mount', '/dev/fuse'],
  ['gdb/clients', 'gdb and lldb'],
  ['gdb/hart', 'gdb and a server that it connects to'],
  ['guest/crash', 'a compiler and qemu'],
  ['guest/apps-proc', "Debian's programs"],
  ['guest/apps-servers', "Debian's programs"],
  ['guest/apps-strace', "Debian's programs"],
  ['guest/apps-terminals', "Debian's programs"],
  ['guest/apps-tools', "Debian's programs"],
  ['guest/debian-busybox', "Debian's programs and qemu"],
  ['guest/debian-coreutils', "Debian's programs and qemu"],
  ['guest/debian-languages', "Debian's programs and qemu"],
  ['guest/debian-shells', "Debian's programs and qemu"],
  ['guest/debian-terminals', "Debian's programs"],
  ['guest/exec', 'a compiler'],
  ['guest/glog', "Debian's programs and qemu"],
  ['guest/limits', 'a compiler'],
  ['guest/programs', 'a compiler and qemu'],
  ['house/', "the project's own sources and tools"],
  ['jit/differential', 'a compiler and qemu'],
  ['linux/recorder', 'the kernel underneath'],
  ['live/host-process', 'processes of this computer'],
  ['snapshot/host-directory', 'a directory of this computer'],
  ['unwind/demangle-libraries', 'libraries of this computer'],
  ['unwind/eu-stack', 'elfutils'],
  ['unwind/real', 'a compiler and processes of this computer'],
  ['vfs/host-fs', 'a directory of this computer'],
  ['vfs/host-file', 'a directory of this computer'],
  ['vfs/host-write', 'a directory of this computer'],
  ['vfs/lower', 'a directory of this computer'],
  ['vfs/node-host', 'a directory of this computer'],
  ['web/', 'the browsers themselves, from outside'],
]);

/** Files that run in a browser but for a test that needs a host too, which says so in a line. */
export const HOST_HALVES: readonly string[] = [
  'gdb/registers',
  'kernel/vdso',
  'mm/map-count',
  'mm/placement',
  'procfs/format',
  'procfs/memory',
  'procfs/pagemap-scan',
  'procfs/procmap-query',
  'procfs/sysctl',
  'syscall/signal',
  'syscall/small-calls',
  'vfs/userfaultfd',
];

/** Why a test stays in Node; null when it runs in browsers. */
export function reasonForHost(name: string): string | null {
  for (const [path, reason] of HOST_ONLY) {
    if (path === name || (path.endsWith('/') && name.startsWith(path))) return reason;
  }
  return null;
}
