import {
  EAGAIN,
  EEXIST,
  EFAULT,
  EINVAL,
  ENOSPC,
  ENOTTY,
  ERESTARTSYS,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { putUserU32, type UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from './file.js';
import { O_NONBLOCK, POLLIN, POLLRDNORM } from './flags.js';
import * as i from './inotify-flags.js';
import type { Inode } from './inode.js';
import type { Vfs } from './vfs.js';

/** include/uapi/asm-generic/ioctls.h */
const FIONREAD = 0x541b;
/** struct inotify_event without its name; names are padded to it. */
const EVENT_SIZE = 16;

/** One watch: an inode that an inotify descriptor is told of (struct inotify_inode_mark). */
export interface Mark {
  readonly group: Inotify;
  readonly inode: Inode;
  readonly wd: number;
  /** IN_* it asks for. */
  mask: number;
  oneshot: boolean;
  /** Files without a name are no more of the directory's. */
  exclUnlink: boolean;
}

interface QueuedEvent {
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: string | null;
}

/** What an inotify descriptor watches, and the events that were not read (struct fsnotify_group). */
export class Inotify {
  readonly vfs: Vfs;
  /** Whose limits it counts for: kuid. */
  readonly uid: number;
  /** Events at most; one more says that some were lost. */
  private readonly most: number;
  private events: QueuedEvent[] = [];
  private readonly marks = new Map<number, Mark>();
  private lastWd = 0;
  /** How often an event came. */
  arrivals = 0;

  constructor(vfs: Vfs, uid: number, most: number) {
    this.vfs = vfs;
    this.uid = uid;
    this.most = most;
    vfs.inotifies.add(this);
  }

  get watches(): Mark[] {
    return [...this.marks.values()];
  }

  /** Bytes that reads would give. */
  get readable(): number {
    return this.events.reduce((sum, event) => sum + encodeEvent(event).length, 0);
  }

  /** The first event as it is read, or null. */
  get first(): Uint8Array | null {
    const [event] = this.events;
    return event === undefined ? null : encodeEvent(event);
  }

  takeFirst(): void {
    this.events.shift();
  }

  /**
   * Queues an event, unless the last one is the same (inotify_handle_inode_event(), inotify_merge()). Events about
   * the watched thing itself do not say what it is.
   */
  queue(wd: number, happened: number, cookie: number, name: string | null): void {
    const self = i.IN_DELETE_SELF | i.IN_MOVE_SELF;
    const mask = (happened & self) !== 0 ? happened & ~i.IN_ISDIR : happened;
    const last = this.events.at(-1);
    if (this.events.length >= this.most) {
      if (this.events.some((event) => event.mask === i.IN_Q_OVERFLOW)) return;
      this.add({ wd: -1, mask: i.IN_Q_OVERFLOW, cookie: 0, name: null });
      return;
    }
    const same = last?.wd === wd && last.mask === mask && last.name === name;
    if (!same || mask === i.IN_IGNORED) this.add({ wd, mask, cookie, name });
  }

  private add(event: QueuedEvent): void {
    this.events.push(event);
    this.arrivals += 1;
  }

  /**
   * Watches an inode, or changes its watch; gives the watch's number.
   * @throws {LinuxError} EEXIST: IN_MASK_CREATE, and it is watched; ENOSPC: over fs.inotify.max_user_watches
   * @see fs/notify/inotify/inotify_user.c inotify_update_watch()
   */
  watch(inode: Inode, arg: number, limit: number): number {
    const known = inode.marks?.find(({ group }) => group === this);
    const options = {
      oneshot: (arg & i.IN_ONESHOT) !== 0,
      exclUnlink: (arg & i.IN_EXCL_UNLINK) !== 0,
    };
    const mask = arg & i.IN_ALL_EVENTS;
    if (known !== undefined) {
      if ((arg & i.IN_MASK_CREATE) !== 0) fail(EEXIST);
      const adds = (arg & i.IN_MASK_ADD) !== 0;
      known.mask = adds ? known.mask | mask : mask;
      known.oneshot = options.oneshot || (adds && known.oneshot);
      known.exclUnlink = options.exclUnlink || (adds && known.exclUnlink);
      return known.wd;
    }
    const own = [...this.vfs.inotifies].filter(({ uid }) => uid === this.uid);
    if (own.reduce((sum, { marks }) => sum + marks.size, 0) >= limit) fail(ENOSPC);
    this.lastWd += 1;
    const mark: Mark = { group: this, inode, wd: this.lastWd, mask, ...options };
    this.marks.set(mark.wd, mark);
    (inode.marks ??= []).push(mark);
    inode.sb.marks += 1;
    return mark.wd;
  }

  /** Ends a watch by its number. @throws {LinuxError} EINVAL: there is none */
  unwatch(wd: number): void {
    this.remove(this.marks.get(wd) ?? fail(EINVAL));
  }

  /** Ends a watch, and says so. */
  remove(mark: Mark): void {
    this.detach(mark);
    this.queue(mark.wd, i.IN_IGNORED, 0, null);
  }

  private detach(mark: Mark): void {
    const left = mark.inode.marks?.filter((each) => each !== mark) ?? [];
    mark.inode.marks = left.length === 0 ? null : left;
    this.marks.delete(mark.wd);
    mark.inode.sb.marks -= 1;
  }

  /** The descriptor is closed. */
  destroy(): void {
    for (const mark of this.marks.values()) this.detach(mark);
    this.vfs.inotifies.delete(this);
  }
}

/**
 *     struct inotify_event   0 wd   4 mask   8 cookie   12 len   16 name
 */
function encodeEvent({ wd, mask, cookie, name }: QueuedEvent): Uint8Array {
  const text = name === null ? new Uint8Array(0) : encodeName(name);
  const padded = name === null ? 0 : Math.ceil((text.length + 1) / EVENT_SIZE) * EVENT_SIZE;
  const bytes = new Uint8Array(EVENT_SIZE + padded);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, wd, true);
  view.setUint32(4, mask, true);
  view.setUint32(8, cookie, true);
  view.setUint32(12, padded, true);
  bytes.set(text, EVENT_SIZE);
  return bytes;
}

const inotifyOf = (file: File): Inotify => file.privateData as Inotify;

/**
 * Reads the events that fit, whole ones.
 * @throws {LinuxError} EINVAL: not even the first; EAGAIN, ERESTARTSYS: none; EFAULT
 * @see fs/notify/inotify/inotify_user.c inotify_read()
 */
function inotifyRead(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const inotify = inotifyOf(file);
  let done = 0;
  for (let event = inotify.first; event !== null; event = inotify.first) {
    if (event.length > buf.length - done) {
      if (done === 0) fail(EINVAL);
      break;
    }
    if (buf.copyTo(done, event) < event.length) return done > 0 ? done : fail(EFAULT);
    inotify.takeFirst();
    done += event.length;
  }
  if (done === 0) fail((file.flags & O_NONBLOCK) !== 0 ? EAGAIN : ERESTARTSYS);
  return done;
}

/** Lines of a watch (fs/notify/fdinfo.c inotify_fdinfo()); this kernel gives no file handles. */
function showMark({ wd, inode, mask, oneshot, exclUnlink }: Mark): string {
  const options = (oneshot ? i.IN_ONESHOT : 0) | (exclUnlink ? i.IN_EXCL_UNLINK : 0);
  const hex = (n: number): string => (n >>> 0).toString(16);
  const where = `ino:${hex(inode.ino)} sdev:${hex(inode.sb.dev)}`;
  return `inotify wd:${hex(wd)} ${where} mask:${hex(mask | options)} ignored_mask:0 \n`;
}

/** @see fs/notify/inotify/inotify_user.c inotify_fops */
export const inotifyOperations: FileOperations = {
  read: inotifyRead,
  poll: (file) => (inotifyOf(file).first === null ? 0 : POLLIN | POLLRDNORM),
  arrivals: (file) => inotifyOf(file).arrivals,
  ioctl(task, file, cmd, arg) {
    if (cmd !== FIONREAD) fail(ENOTTY);
    putUserU32(task.mm ?? fail(EFAULT), arg, inotifyOf(file).readable);
    return 0;
  },
  // noop_llseek(): reads do not move it.
  llseek: () => 0,
  release: (file) => inotifyOf(file).destroy(),
  showFdinfo: (file) => inotifyOf(file).watches.reverse().map(showMark).join(''),
};
