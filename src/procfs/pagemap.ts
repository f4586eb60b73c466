import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, credCapable } from '../kernel/capability.js';
import { PTRACE_MODE_READ } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import { TASK_SIZE } from '../mm/address.js';
import { pagemapEntries } from '../mm/pagemap.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from '../vfs/file.js';
import { memLlseek } from '../vfs/llseek.js';
import type { U64 } from '../vfs/u64.js';
import { memOf, openMem } from './mem-open.js';
import { pagemapScan } from './pagemap-scan.js';

const ENTRY_BYTES = 8;
/** Entries made at a time. */
const BATCH = 8192;
/** The frame number of an entry: bits 0 to 54. */
const PFN_MASK = (1n << 55n) - 1n;

/** Whether the opener, not the reader, may see frame numbers (K-606). */
function showsPfn(caller: TaskStruct, file: File): boolean {
  const { kernel } = caller;
  return credCapable(kernel, file.cred, kernel.initUserNs, CAP_SYS_ADMIN);
}

/**
 * Reads entries of eight bytes a page; past the end of user memory there are none.
 * @returns bytes; 0 of a dead memory
 * @throws {LinuxError} EINVAL: position or count no multiple of 8; EFAULT
 * @see fs/proc/task_mmu.c pagemap_read()
 */
function read(caller: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  const mm = memOf(file);
  if (mm === null || !mm.alive) return 0;
  if (BigInt(pos) % 8n !== 0n || buf.length % ENTRY_BYTES !== 0) fail(EINVAL);
  if (typeof pos === 'bigint') return 0;
  const pfn = showsPfn(caller, file);
  const { softDirty } = caller.kernel.profile;
  let addr = (pos / ENTRY_BYTES) * PAGE_SIZE;
  let done = 0;
  while (done < buf.length && addr < TASK_SIZE) {
    const count = Math.min(BATCH, (buf.length - done) / ENTRY_BYTES);
    const entries = pagemapEntries(mm, addr, count, softDirty);
    if (!pfn) for (const [i, entry] of entries.entries()) entries[i] = entry & ~PFN_MASK;
    const bytes = new Uint8Array(entries.buffer, entries.byteOffset, entries.byteLength);
    if (buf.copyTo(done, bytes) < bytes.length) fail(EFAULT);
    done += bytes.length;
    addr += entries.length * PAGE_SIZE;
  }
  return done;
}

/** /proc/PID/pagemap (K-606; fs/proc/task_mmu.c proc_pagemap_operations). */
export const pagemapOperations: FileOperations = {
  open: (caller, file) => openMem(caller, file, PTRACE_MODE_READ),
  read,
  llseek: memLlseek,
  ioctl: pagemapScan,
};
