import type { TaskStruct } from '../kernel/task.js';
import { importBuffers } from '../vfs/iov.js';
import { doPreadv, doPwritev, doReadv, doWritev } from '../vfs/read-write-iter.js';
import { ksysLseek, ksysPread64, ksysPwrite64, ksysRead, ksysWrite } from '../vfs/read-write.js';
import { copyFileRange, sendfile, splice } from '../vfs/splice.js';
import { tee, vmsplice } from '../vfs/tee.js';
import { addU64, type U64 } from '../vfs/u64.js';
import { currentMm, int, readU64, type SyscallFamily, uint, userBuffer, writeU64 } from './args.js';

/**
 * Reading and writing through descriptors.
 *
 * @see fs/read_write.c, fs/splice.c
 */
export const readWriteCalls: SyscallFamily = {
  read: (task, fd, buf, count) => ksysRead(task, int(fd), userBuffer(task, buf, count)),
  write: (task, fd, buf, count) => ksysWrite(task, int(fd), userBuffer(task, buf, count)),
  pread64: (task, fd, buf, count, pos) =>
    ksysPread64(task, int(fd), userBuffer(task, buf, count), pos),
  pwrite64: (task, fd, buf, count, pos) =>
    ksysPwrite64(task, int(fd), userBuffer(task, buf, count), pos),
  lseek: (task, fd, offset, whence) => ksysLseek(task, int(fd), offset, uint(whence)),

  readv: (task, fd, iov, count) => doReadv(task, int(fd), segments(task, iov, count), 0),
  writev: (task, fd, iov, count) => doWritev(task, int(fd), segments(task, iov, count), 0),
  // A position comes in two halves for 32-bit's sake; the lower one holds all of it here.
  preadv: (task, fd, iov, count, pos) =>
    doPreadv(task, int(fd), segments(task, iov, count), pos, 0),
  pwritev: (task, fd, iov, count, pos) =>
    doPwritev(task, int(fd), segments(task, iov, count), pos, 0),
  preadv2: (task, fd, iov, count, pos, _high, flags) =>
    doPreadv(task, int(fd), segments(task, iov, count), pos, int(flags), true),
  pwritev2: (task, fd, iov, count, pos, _high, flags) =>
    doPwritev(task, int(fd), segments(task, iov, count), pos, int(flags), true),

  sendfile(task, outFd, inFd, offset, count) {
    const from = readOffset(task, offset);
    const moved = sendfile(task, int(outFd), int(inFd), from, count);
    writeOffset(task, offset, moved.offset);
    return moved.count;
  },

  splice(task, fdIn, offIn, fdOut, offOut, len, flags) {
    const from = readOffset(task, offIn);
    const to = readOffset(task, offOut);
    const count = splice(task, int(fdIn), from, int(fdOut), to, len, uint(flags));
    writeOffset(task, offIn, advance(from, count));
    writeOffset(task, offOut, advance(to, count));
    return count;
  },

  tee: (task, fdIn, fdOut, len, flags) => tee(task, int(fdIn), int(fdOut), len, uint(flags)),
  vmsplice: (task, fd, iov, count, flags) =>
    vmsplice(task, int(fd), segments(task, iov, count), uint(flags)),

  copy_file_range(task, fdIn, offIn, fdOut, offOut, len, flags) {
    const from = readOffset(task, offIn);
    const to = readOffset(task, offOut);
    const moved = copyFileRange(task, int(fdIn), from, int(fdOut), to, len, uint(flags));
    writeOffset(task, offIn, moved.offIn);
    writeOffset(task, offOut, moved.offOut);
    return moved.count;
  },
};

/**
 * The vectored calls look at the descriptor before the array: they import it when they get there.
 * import_iovec() takes the count as `unsigned`.
 */
function segments(task: TaskStruct, iov: U64, count: U64) {
  return () => importBuffers(currentMm(task), iov, uint(count));
}

function readOffset(task: TaskStruct, addr: U64): U64 | null {
  return addr === 0 ? null : readU64(task, addr);
}

function writeOffset(task: TaskStruct, addr: U64, offset: U64 | null): void {
  if (addr !== 0 && offset !== null) writeU64(task, addr, offset);
}

function advance(offset: U64 | null, count: number): U64 | null {
  return offset === null ? null : addU64(offset, count);
}
