import { EBADF, EINVAL, EFAULT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import { filesOf } from './fdtable.js';
import { FMODE_READ, FMODE_WRITE } from './file.js';
import { O_NONBLOCK } from './flags.js';
import { getPipeInfo, type Pipe } from './pipe.js';
import type { IovecSource } from './read-write-iter.js';
import { SPLICE_F_ALL, SPLICE_F_NONBLOCK } from './splice.js';
import type { U64 } from './u64.js';

/**
 * tee: copies what one pipe holds into another, and takes nothing out.
 * @returns the bytes copied; 0 when nobody writes any more
 * @throws {LinuxError} EINVAL: flags, no pipe, or one pipe twice; EBADF; EAGAIN, ERESTARTSYS: one is empty or
 *   the other full; EPIPE: nobody reads
 * @see fs/splice.c do_tee(), link_pipe()
 */
export function tee(
  task: TaskStruct,
  fdIn: number,
  fdOut: number,
  len: U64,
  flags: number,
): number {
  if ((flags & ~SPLICE_F_ALL) !== 0) fail(EINVAL);
  if (len === 0) return 0;
  const files = filesOf(task);
  const [from, to] = [files.get(fdIn), files.get(fdOut)];
  if ((from.mode & FMODE_READ) === 0 || (to.mode & FMODE_WRITE) === 0) fail(EBADF);
  const [input, output] = [getPipeInfo(from), getPipeInfo(to)];
  if (input === null || output === null || input === output) fail(EINVAL);
  const waits = (flags & SPLICE_F_NONBLOCK) === 0 && ((from.flags | to.flags) & O_NONBLOCK) === 0;
  if (!input.waitForData(!waits)) return 0;
  const bytes = input.peek(Math.min(output.waitForSpace(!waits), Number(len)));
  output.push(bytes);
  output.arrivals += 1;
  return bytes.length;
}

/**
 * vmsplice: bytes of memory into a pipe, or out of one. They are copied: what is written to the memory
 * afterwards does not show in the pipe.
 * @returns the bytes moved, as many as there was room for, or as were there
 * @throws {LinuxError} EINVAL: flags, segments; EBADF: no descriptor, or no pipe; EFAULT; EAGAIN, ERESTARTSYS:
 *   full or empty; EPIPE: nobody reads
 * @see fs/splice.c vmsplice_to_pipe(), vmsplice_to_user()
 */
export function vmsplice(
  task: TaskStruct,
  fd: number,
  segments: IovecSource,
  flags: number,
): number {
  if ((flags & ~SPLICE_F_ALL) !== 0) fail(EINVAL);
  const file = filesOf(task).get(fd);
  const writes = (file.mode & FMODE_WRITE) !== 0;
  if (!writes && (file.mode & FMODE_READ) === 0) fail(EBADF);
  const buffers = segments().filter(({ length }) => length > 0);
  if (buffers.length === 0) return 0;
  const pipe = getPipeInfo(file) ?? fail(EBADF);
  const nonblock = (flags & SPLICE_F_NONBLOCK) !== 0;
  const done = writes ? fill(pipe, buffers, nonblock) : empty(pipe, buffers, nonblock);
  return done > 0 || !writes ? done : fail(EFAULT);
}

function fill(pipe: Pipe, buffers: readonly UserBuffer[], nonblock: boolean): number {
  let room = pipe.waitForSpace(nonblock);
  let done = 0;
  for (const buffer of buffers) {
    const bytes = new Uint8Array(Math.min(buffer.length, room));
    const got = buffer.copyFrom(0, bytes);
    pipe.push(bytes.subarray(0, got));
    room -= got;
    done += got;
    if (got < buffer.length) break;
  }
  pipe.arrivals += 1;
  return done;
}

function empty(pipe: Pipe, buffers: readonly UserBuffer[], nonblock: boolean): number {
  if (!pipe.waitForData(nonblock)) return 0;
  let done = 0;
  for (const buffer of buffers) {
    const bytes = pipe.peek(buffer.length);
    const put = buffer.copyTo(0, bytes);
    pipe.drop(put);
    done += put;
    if (put < bytes.length) return done > 0 ? done : fail(EFAULT);
    if (pipe.length === 0) break;
  }
  return done;
}
