/**
 * Calls that do the same with other arguments. Whoever names one of a row means all of it, so that it
 * does not matter which of them a C library, an architecture or this library's own objects use.
 */
const ALIKE: readonly (readonly string[])[] = [
  ['open', 'openat', 'openat2', 'creat'],
  ['fork', 'vfork', 'clone', 'clone3'],
  ['execve', 'execveat'],
  ['exit', 'exit_group'],
  ['wait4', 'waitid'],
  ['kill', 'tkill', 'tgkill'],
  ['readv', 'preadv', 'preadv2'],
  ['writev', 'pwritev', 'pwritev2'],
  ['stat', 'lstat', 'newfstatat', 'statx'],
  ['getdents', 'getdents64'],
  ['dup', 'dup2', 'dup3'],
  ['pipe', 'pipe2'],
  ['mkdir', 'mkdirat'],
  ['unlink', 'unlinkat'],
  ['rename', 'renameat', 'renameat2'],
  ['readlink', 'readlinkat'],
  ['mlock', 'mlock2'],
];

/** The calls that one name stands for, itself included. */
export function callsAlike(call: string): readonly string[] {
  return ALIKE.find((row) => row.includes(call)) ?? [call];
}

/** Calls that move bytes and may move fewer than asked. */
const TRANSFERS: readonly string[] = [
  ...['read', 'write', 'pread64', 'pwrite64'],
  ...['readv', 'writev', 'preadv', 'pwritev', 'preadv2', 'pwritev2'],
  ...['process_vm_readv', 'process_vm_writev'],
];

/** Whether a call can come back with a short count. */
export function isTransfer(call: string): boolean {
  return TRANSFERS.includes(call);
}

/** Calls whose first argument is a descriptor that they work on. */
const ON_DESCRIPTOR: readonly string[] = [
  ...TRANSFERS.slice(0, -2),
  ...['lseek', 'fstat', 'close', 'dup', 'ioctl', 'fcntl', 'ftruncate', 'fsync', 'fchmod', 'fchown'],
];

/** Whether the first argument of a call is the descriptor it works on. */
export function isOnDescriptor(call: string): boolean {
  return ON_DESCRIPTOR.includes(call);
}
