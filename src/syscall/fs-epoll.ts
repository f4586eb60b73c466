import { EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { timedOut } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import { type EpollEvent, epollCtl, epollOf, epollOperations, Eventpoll } from '../vfs/epoll.js';
import { Eventfd, eventfdOperations } from '../vfs/eventfd.js';
import { O_CLOEXEC, O_NONBLOCK } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import type { U64 } from '../vfs/u64.js';
import { anonInodeGetfd } from './anon-inode.js';
import { int, readUser, type SyscallFamily, uint, writeUser } from './args.js';
import { readTimeout } from './fs-poll.js';
import { setUserSigmask } from './signal-mask.js';

const EPOLL_CTL_DEL = 2;
const EFD_SEMAPHORE = 1;
/** Events one wait may ask for: INT_MAX bytes of them (fs/eventpoll.c EP_MAX_EVENTS). */
const EP_MAX_BYTES = 0x7fffffff;

/** How struct epoll_event lies in memory: packed on x86-64, so that `data` is at 4 there. */
interface EventLayout {
  readonly size: number;
  readonly data: number;
}

const PACKED: EventLayout = { size: 12, data: 4 };
const ALIGNED: EventLayout = { size: 16, data: 8 };

function readEvent(task: TaskStruct, addr: U64, layout: EventLayout): EpollEvent {
  const view = readUser(task, addr, layout.size);
  return { events: view.getInt32(0, true), data: view.getBigUint64(layout.data, true) };
}

function encodeEvents(events: readonly EpollEvent[], layout: EventLayout): DataView {
  const view = new DataView(new ArrayBuffer(events.length * layout.size));
  events.forEach(({ events: bits, data }, i) => {
    view.setInt32(i * layout.size, bits, true);
    view.setBigUint64(i * layout.size + layout.data, data, true);
  });
  return view;
}

/** @param ms how long it may take; Infinity: until something happens */
function wait(
  task: TaskStruct,
  epfd: number,
  addr: U64,
  max: number,
  ms: number,
  layout: EventLayout,
): number {
  if (max <= 0 || max * layout.size > EP_MAX_BYTES) fail(EINVAL);
  const events = epollOf(task, epfd).collect(max);
  if (events.length === 0) return timedOut(task, 'epoll', ms) ? 0 : -ERESTARTSYS;
  writeUser(task, addr, encodeEvents(events, layout));
  return events.length;
}

function create(task: TaskStruct, flags: number): number {
  if ((flags & ~O_CLOEXEC) !== 0) fail(EINVAL);
  const data = new Eventpoll();
  const cloexec = (flags & O_CLOEXEC) !== 0;
  return anonInodeGetfd(task, { name: 'eventpoll', fops: epollOperations, data, cloexec });
}

function eventfd(task: TaskStruct, count: number, flags: number): number {
  if ((flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) !== 0) fail(EINVAL);
  const { vfs } = fsOf(task);
  const data = new Eventfd(count, (flags & EFD_SEMAPHORE) !== 0, vfs.nextEventfd());
  return anonInodeGetfd(task, {
    name: 'eventfd',
    fops: eventfdOperations,
    data,
    flags: flags & O_NONBLOCK,
    cloexec: (flags & O_CLOEXEC) !== 0,
  });
}

/**
 * Waiting for many files, and counters to wait for.
 *
 * @param packed whether struct epoll_event is packed
 * @see fs/eventpoll.c, fs/eventfd.c
 */
export function epollFamily(packed: boolean): SyscallFamily {
  const layout = packed ? PACKED : ALIGNED;
  const milliseconds = (timeout: U64): number => (int(timeout) < 0 ? Infinity : int(timeout));
  return {
    epoll_create: (task, size) => (int(size) <= 0 ? fail(EINVAL) : create(task, 0)),
    epoll_create1: (task, flags) => create(task, int(flags)),
    epoll_ctl(task, epfd, op, fd, event) {
      const wanted =
        int(op) === EPOLL_CTL_DEL ? { events: 0, data: 0n } : readEvent(task, event, layout);
      epollCtl(task, int(epfd), int(op), int(fd), wanted);
      return 0;
    },
    epoll_wait: (task, epfd, events, max, timeout) =>
      wait(task, int(epfd), events, int(max), milliseconds(timeout), layout),
    epoll_pwait(task, epfd, events, max, timeout, mask) {
      setUserSigmask(task, mask, 8);
      return wait(task, int(epfd), events, int(max), milliseconds(timeout), layout);
    },
    epoll_pwait2(task, epfd, events, max, timeout, mask) {
      const ms = readTimeout(task, timeout);
      setUserSigmask(task, mask, 8);
      return wait(task, int(epfd), events, int(max), ms, layout);
    },
    eventfd: (task, count) => eventfd(task, uint(count), 0),
    eventfd2: (task, count, flags) => eventfd(task, uint(count), int(flags)),
  };
}
