import { ENOSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Kernel } from './kernel.js';
import type { TaskStruct } from './task.js';

/** A call at the door of the kernel, before anything of it is done. */
export interface CallEvent {
  /** Who calls. */
  readonly task: TaskStruct;
  /** The call by its Linux name. */
  readonly call: string;
  /** The descriptor it works on, or -1. */
  readonly fd: number;
}

/** What a rule does to a call: fail it, cut it, or something of its own before the call goes on. */
export type CallEffect =
  | { readonly errno: number }
  | { readonly short: number }
  | { readonly before: (event: CallEvent, nth: number) => void };

/** Which calls a rule is about, and when it does what. */
export interface CallRule {
  /** Whether it is about this call at all. */
  matches(event: CallEvent): boolean;
  /** Whether the `nth` call it is about, from 1, is one it acts on; asked once for each. */
  due(nth: number): boolean;
  readonly effect: CallEffect;
  /** Told before the effect. */
  fired(event: CallEvent, nth: number): void;
}

interface CountedRule {
  readonly rule: CallRule;
  /** Calls it was about so far. */
  count: number;
}

/**
 * What every call of a task passes before it is done, whether it comes by number or through an object of
 * the library: where seccomp and tracers stand in Linux. Here are the calls that a kernel does not have, and the
 * rules of who studies what happens when one fails. A kernel with neither has no such object, and its calls
 * pay one comparison.
 *
 * @see include/linux/entry-common.h, syscall_enter_from_user_mode_work()
 */
export class SyscallEntry {
  private readonly missing: ReadonlySet<string>;
  private readonly rules = new Map<CallRule, CountedRule>();
  /** Most bytes that the call under way may move. */
  private limit = Infinity;
  /** Calls that a rule itself makes are its own affair. */
  private acting = false;

  /** Makes the entry of a kernel that lacks some calls. */
  constructor(missing: ReadonlySet<string>) {
    this.missing = missing;
  }

  /** Whether nothing is to be looked at: the kernel then needs no entry. */
  get idle(): boolean {
    return this.rules.size === 0 && this.missing.size === 0;
  }

  /** Adds a rule. */
  add(rule: CallRule): void {
    this.rules.set(rule, { rule, count: 0 });
  }

  /** Takes a rule away. */
  remove(rule: CallRule): void {
    this.rules.delete(rule);
  }

  /**
   * Lets a call in, or not.
   * @throws {LinuxError} ENOSYS: the kernel does not have it; what a rule answers
   * @throws {TypeError} the caller did not survive a rule
   */
  enter(task: TaskStruct, call: string, fd: number): void {
    if (!this.acting && this.rules.size > 0) {
      this.limit = Infinity;
      const event = { task, call, fd };
      for (const counted of [...this.rules.values()]) this.ask(counted, event);
    }
    if (this.missing.has(call)) fail(ENOSYS, call);
  }

  private ask(counted: CountedRule, event: CallEvent): void {
    const { rule } = counted;
    // A rule that another one removed on the way has nothing more to say.
    if (!this.rules.has(rule) || !rule.matches(event)) return;
    counted.count += 1;
    if (!rule.due(counted.count)) return;
    const { effect } = rule;
    rule.fired(event, counted.count);
    const { task } = event;
    if ('errno' in effect) fail(effect.errno, event.call);
    if ('short' in effect) this.limit = Math.min(this.limit, effect.short);
    else this.act(() => effect.before(event, counted.count), task);
  }

  private act(before: () => void, task: TaskStruct): void {
    const { limit } = this;
    this.limit = Infinity;
    this.acting = true;
    try {
      before();
    } finally {
      this.acting = false;
      this.limit = limit;
    }
    if (task.exited) throw new TypeError(`task: ${task.pid} has exited`);
  }

  /** Most bytes that the call under way may move; asked once by what moves them. */
  takeLimit(): number {
    const { limit } = this;
    this.limit = Infinity;
    return limit;
  }
}

/** Adds a rule to a kernel's calls; rules are asked in the order they were added. */
export function addCallRule(kernel: Kernel, rule: CallRule): void {
  kernel.entry ??= new SyscallEntry(new Set());
  kernel.entry.add(rule);
}

/** Takes a rule away again; nothing happens when it is gone. */
export function removeCallRule(kernel: Kernel, rule: CallRule): void {
  kernel.entry?.remove(rule);
  if (kernel.entry?.idle === true) kernel.entry = null;
}

/**
 * A call of a task that comes in.
 * @param fd the descriptor it works on (default: none)
 * @throws {LinuxError} see SyscallEntry.enter()
 */
export function enterCall(task: TaskStruct, call: string, fd = -1): void {
  task.kernel.entry?.enter(task, call, fd);
}

/** Most bytes the call under way may move: Infinity unless a rule cuts it short. */
export function transferLimit(task: TaskStruct): number {
  const { entry } = task.kernel;
  return entry === null ? Infinity : entry.takeLimit();
}
