import { EBADF, EEXIST, EINVAL, ELOOP, ENOENT, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { filesOf } from './fdtable.js';
import type { TaskStruct } from '../kernel/task.js';
import type { File, FileOperations } from './file.js';
import { POLLERR, POLLHUP, POLLIN, POLLRDNORM } from './flags.js';
import { pollFile } from './ioctl.js';

// include/uapi/linux/eventpoll.h
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLWAKEUP = 1 << 29;
const EPOLLEXCLUSIVE = 1 << 28;
const EPOLLONESHOT = 1 << 30;
const EPOLLET = 1 << 31;
/** Flags beside the events. */
const EP_PRIVATE_BITS = EPOLLWAKEUP | EPOLLEXCLUSIVE | EPOLLONESHOT | EPOLLET;
/** How deep epoll files may watch each other (fs/eventpoll.c EP_MAX_NESTS). */
const EP_MAX_NESTS = 4;

/** One watched file (struct epitem). */
interface Item {
  readonly file: File;
  readonly fd: number;
  events: number;
  data: bigint;
  /** What the last wait told of it, where only news count (EPOLLET). */
  told: number;
  /** How much had arrived by then. */
  arrivals: number;
}

/** What a wait tells. */
export interface EpollEvent {
  readonly events: number;
  readonly data: bigint;
}

/** A set of watched files (struct eventpoll). */
export class Eventpoll {
  items: Item[] = [];

  private find(file: File, fd: number): Item | null {
    return this.items.find((item) => item.file === file && item.fd === fd) ?? null;
  }

  /** Files that were closed watch themselves out. */
  private prune(): void {
    if (this.items.some(({ file }) => file.released)) {
      this.items = this.items.filter(({ file }) => !file.released);
    }
  }

  /** @throws {LinuxError} EEXIST, ENOENT: watched already, or not; EINVAL: no such operation */
  control(op: number, file: File, fd: number, asked: EpollEvent): void {
    this.prune();
    // Errors are told whether they were asked for or not.
    const event = { ...asked, events: asked.events | POLLERR | POLLHUP };
    const item = this.find(file, fd);
    if (op === EPOLL_CTL_ADD) {
      if (item !== null) fail(EEXIST);
      this.items.push({ file, fd, ...event, told: 0, arrivals: 0 });
    } else if (op === EPOLL_CTL_DEL) {
      if (item === null) fail(ENOENT);
      this.items = this.items.filter((each) => each !== item);
    } else if (op === EPOLL_CTL_MOD) {
      if (item === null) fail(ENOENT);
      if (((item.events | event.events) & EPOLLEXCLUSIVE) !== 0) fail(EINVAL);
      Object.assign(item, event, { told: 0 });
    } else fail(EINVAL);
  }

  /** Events of the files that are ready, at most `max`; what is told once is then told. */
  collect(max: number): EpollEvent[] {
    this.prune();
    const ready: EpollEvent[] = [];
    const told: Item[] = [];
    for (const item of this.items) {
      if (ready.length === max) break;
      const events = readiness(item);
      const news = (item.events & EPOLLET) === 0 ? events : newsOf(item, events);
      item.told = events;
      item.arrivals = arrivals(item.file);
      if (news === 0) continue;
      ready.push({ events, data: item.data });
      told.push(item);
      if ((item.events & EPOLLONESHOT) !== 0) item.events &= EP_PRIVATE_BITS;
    }
    // Each gets its turn, however many are always ready.
    this.items = [...this.items.filter((item) => !told.includes(item)), ...told];
    return ready;
  }

  get ready(): boolean {
    this.prune();
    return this.items.some((item) => readiness(item) !== 0);
  }

  /** How deep the epoll files below it are; more than allowed where they watch each other in a ring. */
  depth(of: Eventpoll, left = EP_MAX_NESTS): number {
    if (left < 0) return EP_MAX_NESTS + 1;
    const below = this.items.map(({ file }) => eventpollOf(file));
    const depths = below.map((each) => {
      if (each === null) return 0;
      return each === of ? EP_MAX_NESTS + 1 : 1 + each.depth(of, left - 1);
    });
    return Math.max(0, ...depths);
  }
}

const arrivals = (file: File): number => file.fops.arrivals?.(file) ?? 0;

/** What has changed since it was told last: more to read does count, whatever there was (ep_poll_callback()). */
function newsOf(item: Item, events: number): number {
  const more = arrivals(item.file) !== item.arrivals ? POLLIN | POLLRDNORM : 0;
  return events & (~item.told | more);
}

function readiness({ file, events }: Item): number {
  if ((events & ~EP_PRIVATE_BITS) === 0) return 0;
  return pollFile(file) & events;
}

function eventpollOf(file: File): Eventpoll | null {
  return file.privateData instanceof Eventpoll ? file.privateData : null;
}

/** @see fs/eventpoll.c eventpoll_fops */
export const epollOperations: FileOperations = {
  poll: (file) => (eventpollOf(file)?.ready === true ? POLLIN | POLLRDNORM : 0),
  showFdinfo(file) {
    const items = eventpollOf(file)?.items ?? [];
    return items
      .map(({ file: watched, fd, events, data }) => {
        const { pos, inode } = watched;
        const head = `tfd: ${String(fd).padStart(8)} events: ${(events >>> 0).toString(16).padStart(8)}`;
        const where = `pos:${pos} ino:${inode.ino.toString(16)} sdev:${inode.sb.dev.toString(16)}`;
        return `${head} data: ${data.toString(16).padStart(16)}  ${where}\n`;
      })
      .join('');
  },
};

/**
 * The set of an epoll descriptor.
 * @throws {LinuxError} EBADF; EINVAL: another kind of file
 */
export function epollOf(task: TaskStruct, epfd: number): Eventpoll {
  return eventpollOf(filesOf(task).get(epfd)) ?? fail(EINVAL);
}

/**
 * epoll_ctl.
 * @throws {LinuxError} EBADF; EPERM: a file that is always ready; EINVAL: not an epoll file, the same one,
 *   or no such operation; EEXIST; ENOENT; ELOOP: epoll files that watch each other too deep
 * @see fs/eventpoll.c do_epoll_ctl()
 */
export function epollCtl(
  task: TaskStruct,
  epfd: number,
  op: number,
  fd: number,
  event: EpollEvent,
): void {
  const files = filesOf(task);
  if (files.getRaw(epfd) === null) fail(EBADF);
  const file = files.get(fd);
  if (file.fops.poll === undefined) fail(EPERM);
  const set = epollOf(task, epfd);
  if (file === files.get(epfd)) fail(EINVAL);
  const nested = eventpollOf(file);
  if (op === EPOLL_CTL_ADD && nested !== null) {
    if ((event.events & EPOLLEXCLUSIVE) !== 0) fail(EINVAL);
    if (nested === set || nested.depth(set) + 1 > EP_MAX_NESTS) fail(ELOOP);
  }
  set.control(op, file, fd, event);
}
