import { EAGAIN, EFAULT, EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Kernel } from '../kernel/kernel.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from './file.js';
import { O_NONBLOCK, POLLIN } from './flags.js';

/** A time and how often it comes again, both in milliseconds; 0 for not at all. */
export interface TimerSpec {
  readonly value: number;
  readonly interval: number;
}

/** A timer that is read (struct timerfd_ctx). */
export class Timerfd {
  readonly kernel: Kernel;
  readonly clock: number;
  settimeFlags = 0;
  /** When it goes off next, in milliseconds of the kernel's time; Infinity for never. */
  private next = Infinity;
  private interval = 0;
  /** How often it went off since it was read. */
  private unread = 0;
  /** How often it has woken who waits. */
  private woke = 0;

  constructor(kernel: Kernel, clock: number) {
    this.kernel = kernel;
    this.clock = clock;
  }

  /** Counts what has gone off meanwhile (timerfd_tmrproc()); what sleeps is woken for the next. */
  private advance(): void {
    const { kernel } = this;
    const late = kernel.time() - this.next;
    if (late >= 0) {
      const times = this.interval === 0 ? 1 : 1 + Math.floor(late / this.interval);
      // One that repeats wakes nobody again before it is read: only then is it started anew.
      if (this.unread === 0) this.woke += 1;
      this.unread += times;
      this.next = this.interval === 0 ? Infinity : this.next + times * this.interval;
    }
    kernel.nextTimer = Math.min(kernel.nextTimer, this.next);
  }

  get ticks(): number {
    this.advance();
    return this.unread;
  }

  get arrivals(): number {
    this.advance();
    return this.woke;
  }

  /** Takes the count. */
  take(): number {
    const { ticks } = this;
    this.unread = 0;
    return ticks;
  }

  /** What is left until it goes off (timerfd_get_remaining()). */
  get left(): TimerSpec {
    this.advance();
    const value = this.next === Infinity ? 0 : Math.max(this.next - this.kernel.time(), 0);
    return { value, interval: this.interval };
  }

  /** Sets it, `value` milliseconds from now; what was not read is forgotten (timerfd_setup()). */
  set({ value, interval }: TimerSpec, flags: number): void {
    this.settimeFlags = flags;
    this.unread = 0;
    this.next = this.kernel.time() + value;
    this.interval = interval;
    this.advance();
  }
}

const timerOf = (file: File): Timerfd => file.privateData as Timerfd;

/** The timer of a file. @throws {LinuxError} EINVAL: it has none */
export function timerfdOf(file: File): Timerfd {
  return file.privateData instanceof Timerfd ? file.privateData : fail(EINVAL);
}

/** @see fs/timerfd.c timerfd_read_iter() */
function timerfdRead(_task: TaskStruct, file: File, buf: UserBuffer): number {
  if (buf.length < 8) fail(EINVAL);
  if (timerOf(file).ticks === 0) fail((file.flags & O_NONBLOCK) !== 0 ? EAGAIN : ERESTARTSYS);
  const bytes = new Uint8Array(new BigUint64Array([BigInt(timerOf(file).take())]).buffer);
  return buf.copyTo(0, bytes) < bytes.length ? fail(EFAULT) : bytes.length;
}

function pair(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `(${seconds}, ${Math.floor((ms - seconds * 1000) * 1e6)})`;
}

/** @see fs/timerfd.c timerfd_fops */
export const timerfdOperations: FileOperations = {
  read: timerfdRead,
  poll: (file) => (timerOf(file).ticks > 0 ? POLLIN : 0),
  arrivals: (file) => timerOf(file).arrivals,
  showFdinfo(file) {
    const timer = timerOf(file);
    const { value, interval } = timer.left;
    const flags = timer.settimeFlags === 0 ? '00' : `0${timer.settimeFlags.toString(8)}`;
    return (
      `clockid: ${timer.clock}\nticks: ${timer.ticks}\nsettime flags: ${flags}\n` +
      `it_value: ${pair(value)}\nit_interval: ${pair(interval)}\n`
    );
  },
  iter: true,
};
