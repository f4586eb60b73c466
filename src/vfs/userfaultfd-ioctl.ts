import { EFAULT, EINVAL } from '../../assembly/abi/errno.js';
import * as uffd from '../../assembly/abi/userfault.js';
import { fail, LinuxError } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Mm } from '../mm/mm.js';
import { copyFromUser, copyToUser, putUserU64 } from '../mm/user.js';
import {
  checkRange,
  checkUnalignedRange,
  partialResult,
  UFFD_FEATURES,
  type PageRange,
  type UserfaultfdContext,
} from '../mm/userfaultfd.js';
import { toU64, type U64 } from './u64.js';

// include/uapi/linux/userfaultfd.h
export const UFFD_API = 0xaa;
const UFFDIO_API = 0xc018aa3f;
const UFFDIO_REGISTER = 0xc020aa00;
const UFFDIO_UNREGISTER = 0x8010aa01;
const UFFDIO_WAKE = 0x8010aa02;
const UFFDIO_COPY = 0xc028aa03;
const UFFDIO_ZEROPAGE = 0xc020aa04;
const UFFDIO_MOVE = 0xc028aa05;
const UFFDIO_WRITEPROTECT = 0xc018aa06;
const UFFDIO_CONTINUE = 0xc020aa07;
const UFFDIO_POISON = 0xc020aa08;

/** UFFDIO_API, _REGISTER, _UNREGISTER, bits by number. */
const API_IOCTLS = 0x8000000000000003n;
/** WAKE, COPY, ZEROPAGE, MOVE, WRITEPROTECT, CONTINUE, POISON. */
const RANGE_IOCTLS = 0x1fcn;
const WRITEPROTECT_BIT = 1n << 6n;
const CONTINUE_BIT = 1n << 7n;
/** All of them, as fdinfo shows it. */
export const UFFD_ALL_IOCTLS = API_IOCTLS | RANGE_IOCTLS;

const FEATURES = BigInt(UFFD_FEATURES);

const MODE_DONTWAKE = 1n;
/** Of UFFDIO_COPY and UFFDIO_CONTINUE. */
const MODE_WP = 2n;
/** Of UFFDIO_MOVE. */
const MOVE_ALLOW_SRC_HOLES = 2n;
/** Of UFFDIO_WRITEPROTECT. */
const WRITEPROTECT_WP = 1n;
const WRITEPROTECT_DONTWAKE = 2n;

/** One ioctl on its way: who asks, of what, and where its structure lies. */
interface Request {
  readonly context: UserfaultfdContext;
  readonly own: Mm;
  /** vm.max_map_count */
  readonly maxMaps: number;
  readonly arg: U64;
}

/** The first `count` words of the structure. */
function words({ own, arg }: Request, count: number): bigint[] {
  const view = new DataView(copyFromUser(own, arg, count * 8).buffer);
  return Array.from({ length: count }, (_, i) => view.getBigUint64(i * 8, true));
}

/** put_user() of the word behind the first `count`. */
function putWord({ own, arg }: Request, count: number, value: bigint | number): void {
  putUserU64(own, typeof arg === 'number' ? arg + count * 8 : arg, toU64(BigInt(value)));
}

/** What UFFDIO_API answers: refused, it leaves zeros. */
function api(request: Request): void {
  const { context, own, arg } = request;
  const [version, features = 0n] = words(request, 3);
  const answer = new DataView(new ArrayBuffer(24));
  const fits = version === BigInt(UFFD_API) && (features & ~FEATURES) === 0n;
  if (fits) {
    answer.setBigUint64(0, BigInt(UFFD_API), true);
    answer.setBigUint64(8, FEATURES, true);
    answer.setBigUint64(16, API_IOCTLS, true);
  }
  copyToUser(own, arg, new Uint8Array(answer.buffer));
  if (!fits) fail(EINVAL);
  if (context.features !== 0) copyToUser(own, arg, new Uint8Array(24));
  context.initialize(Number(features));
}

function register(request: Request): void {
  const { context } = request;
  const [start = 0n, length = 0n, mode = 0n] = words(request, 3);
  if (mode === 0n || (mode & ~BigInt(uffd.UFFD_MODES)) !== 0n) fail(EINVAL);
  context.register(toU64(start), toU64(length), Number(mode), request.maxMaps);
  let ioctls = RANGE_IOCTLS;
  if ((mode & BigInt(uffd.UFFD_WP)) === 0n) ioctls &= ~WRITEPROTECT_BIT;
  if ((mode & BigInt(uffd.UFFD_MINOR)) === 0n) ioctls &= ~CONTINUE_BIT;
  putWord(request, 3, ioctls);
}

function unregister(request: Request): void {
  const [start = 0n, length = 0n] = words(request, 2);
  request.context.unregister(toU64(start), toU64(length), request.maxMaps);
}

function wake(request: Request): void {
  const [start = 0n, length = 0n] = words(request, 2);
  const range = checkRange(toU64(start), toU64(length));
  request.context.queue.wake(range.start, range.end);
}

/** Acts, tells how far it came in the word behind `count`, and wakes who waits for that. */
function advance(
  request: Request,
  count: number,
  range: PageRange,
  wakes: boolean,
  act: () => number,
): void {
  let done: number;
  try {
    done = act();
  } catch (error) {
    if (error instanceof LinuxError && error.code !== 'ESRCH' && error.code !== 'ERESTARTSYS') {
      putWord(request, count, error.errno);
    }
    throw error;
  }
  putWord(request, count, done);
  if (wakes) request.context.queue.wake(range.start, range.start + done);
  partialResult(done, range.end - range.start);
}

function copy(request: Request): void {
  const { context, own } = request;
  const [dst = 0n, src = 0n, length = 0n, mode = 0n] = words(request, 4);
  const from = checkUnalignedRange(toU64(src), toU64(length));
  const to = checkRange(toU64(dst), toU64(length));
  if ((mode & ~(MODE_DONTWAKE | MODE_WP)) !== 0n) fail(EINVAL);
  const source = { mm: own, addr: from.start };
  const what = { kind: uffd.FILL_COPY, wp: (mode & MODE_WP) !== 0n, source };
  advance(request, 4, to, (mode & MODE_DONTWAKE) === 0n, () =>
    context.fill(to.start, to.end - to.start, what),
  );
}

function move(request: Request): void {
  const { context, own } = request;
  const [dst = 0n, src = 0n, length = 0n, mode = 0n] = words(request, 4);
  if (own !== context.mm) fail(EINVAL);
  const to = checkRange(toU64(dst), toU64(length));
  const from = checkRange(toU64(src), toU64(length));
  if ((mode & ~(MODE_DONTWAKE | MOVE_ALLOW_SRC_HOLES)) !== 0n) fail(EINVAL);
  const holes = (mode & MOVE_ALLOW_SRC_HOLES) !== 0n;
  advance(request, 4, to, (mode & MODE_DONTWAKE) === 0n, () =>
    context.move(to.start, from.start, to.end - to.start, holes),
  );
}

/** UFFDIO_ZEROPAGE, _POISON and _CONTINUE: the range, a mode, and the bytes done. */
function fillRange(request: Request, kind: number): void {
  const { context } = request;
  const [start = 0n, length = 0n, mode = 0n] = words(request, 3);
  const range = checkRange(toU64(start), toU64(length));
  const allowed = kind === uffd.FILL_CONTINUE ? MODE_DONTWAKE | MODE_WP : MODE_DONTWAKE;
  if ((mode & ~allowed) !== 0n) fail(EINVAL);
  const what = { kind, wp: (mode & MODE_WP) !== 0n, source: null };
  advance(request, 3, range, (mode & MODE_DONTWAKE) === 0n, () =>
    context.fill(range.start, range.end - range.start, what),
  );
}

function writeProtect(request: Request): void {
  const { context } = request;
  const [start = 0n, length = 0n, mode = 0n] = words(request, 3);
  const range = checkRange(toU64(start), toU64(length));
  if ((mode & ~(WRITEPROTECT_WP | WRITEPROTECT_DONTWAKE)) !== 0n) fail(EINVAL);
  if (mode === (WRITEPROTECT_WP | WRITEPROTECT_DONTWAKE)) fail(EINVAL);
  context.writeProtect(range.start, range.end - range.start, mode === WRITEPROTECT_WP);
  if (mode === 0n) context.queue.wake(range.start, range.end);
}

const IOCTLS: ReadonlyMap<number, (request: Request) => void> = new Map([
  [UFFDIO_API, api],
  [UFFDIO_REGISTER, register],
  [UFFDIO_UNREGISTER, unregister],
  [UFFDIO_WAKE, wake],
  [UFFDIO_COPY, copy],
  [UFFDIO_ZEROPAGE, (request: Request) => fillRange(request, uffd.FILL_ZEROPAGE)],
  [UFFDIO_MOVE, move],
  [UFFDIO_WRITEPROTECT, writeProtect],
  [UFFDIO_CONTINUE, (request: Request) => fillRange(request, uffd.FILL_CONTINUE)],
  [UFFDIO_POISON, (request: Request) => fillRange(request, uffd.FILL_POISON)],
]);

/**
 * The ioctls of a userfaultfd.
 * @throws {LinuxError} EINVAL: an unknown one, UFFDIO_API not called yet or called twice, arguments;
 *   EFAULT: the structure; EAGAIN: done in part; what UserfaultfdContext throws
 * @see fs/userfaultfd.c, userfaultfd_ioctl()
 */
export function userfaultfdIoctl(
  task: TaskStruct,
  context: UserfaultfdContext,
  cmd: number,
  arg: U64,
): number {
  const ioctl = IOCTLS.get(cmd >>> 0) ?? fail(EINVAL);
  if (cmd >>> 0 !== UFFDIO_API && context.features === 0) fail(EINVAL);
  const maxMaps = task.kernel.sysctl.get('vm.max_map_count');
  ioctl({ context, own: task.mm ?? fail(EFAULT), maxMaps, arg });
  return 0;
}
