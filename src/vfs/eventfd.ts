import { EAGAIN, EFAULT, EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from './file.js';
import { O_NONBLOCK, POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from './flags.js';

/** The largest value that no write may add, and the counter's limit. */
const ULLONG_MAX = (1n << 64n) - 1n;

/** A counter to wait for (struct eventfd_ctx). */
export class Eventfd {
  count: bigint;
  /** Writes so far. */
  arrivals = 0;
  /** Reads take 1 rather than all (EFD_SEMAPHORE). */
  readonly semaphore: boolean;
  readonly id: number;

  constructor(count: number, semaphore: boolean, id: number) {
    this.count = BigInt(count);
    this.semaphore = semaphore;
    this.id = id;
  }
}

const eventOf = (file: File): Eventfd => file.privateData as Eventfd;

function failBlocking(file: File): never {
  return fail((file.flags & O_NONBLOCK) !== 0 ? EAGAIN : ERESTARTSYS);
}

/** @see fs/eventfd.c eventfd_read() */
function eventRead(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const event = eventOf(file);
  if (buf.length < 8) fail(EINVAL);
  if (event.count === 0n) failBlocking(file);
  const value = event.semaphore ? 1n : event.count;
  const bytes = new Uint8Array(new BigUint64Array([value]).buffer);
  if (buf.copyTo(0, bytes) < bytes.length) fail(EFAULT);
  event.count -= value;
  return bytes.length;
}

/** @see fs/eventfd.c eventfd_write() */
function eventWrite(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const event = eventOf(file);
  if (buf.length < 8) fail(EINVAL);
  const bytes = new Uint8Array(8);
  if (buf.copyFrom(0, bytes) < bytes.length) fail(EFAULT);
  const value = new DataView(bytes.buffer).getBigUint64(0, true);
  if (value === ULLONG_MAX) fail(EINVAL);
  if (ULLONG_MAX - event.count <= value) failBlocking(file);
  event.count += value;
  event.arrivals += 1;
  return bytes.length;
}

/** @see fs/eventfd.c eventfd_fops */
export const eventfdOperations: FileOperations = {
  read: eventRead,
  write: eventWrite,
  poll(file) {
    const { count } = eventOf(file);
    let mask = 0;
    if (count > 0n) mask |= POLLIN | POLLRDNORM;
    if (count === ULLONG_MAX) mask |= POLLERR;
    if (count < ULLONG_MAX - 1n) mask |= POLLOUT | POLLWRNORM;
    return mask;
  },
  arrivals: (file) => eventOf(file).arrivals,
  showFdinfo(file) {
    const { count, id, semaphore } = eventOf(file);
    const hex = count.toString(16).padStart(16);
    return `eventfd-count: ${hex}\neventfd-id: ${id}\neventfd-semaphore: ${Number(semaphore)}\n`;
  },
  iter: true,
};
