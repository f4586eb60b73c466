import { defaultAction, SIGCHLD, SIGKILL, SIGSTOP } from './signal.js';

/** Handlers that are none: the default action, and no notice at all. */
export const SIG_DFL = 0n;
export const SIG_IGN = 1n;

// Flags of an action: include/uapi/asm-generic/signal-defs.h
/** No SIGCHLD when a child stops. */
export const SA_NOCLDSTOP = 1n;
/** Children leave no zombies. */
export const SA_NOCLDWAIT = 2n;
/** UAPI_SA_FLAGS: what sigaction() keeps of the flags it is given, SA_RESTORER among them. */
export const UAPI_SA_FLAGS = 0xdc000807n;

/** SIGKILL and SIGSTOP cannot be held back. */
export const UNBLOCKABLE = (1n << BigInt(SIGKILL - 1)) | (1n << BigInt(SIGSTOP - 1));

/** What is to happen at a signal (struct sigaction of the kernel). */
export interface SigAction {
  /** SIG_DFL, SIG_IGN, or the guest address of the handler. */
  readonly handler: bigint;
  /** SA_* bits. */
  readonly flags: bigint;
  /** Guest address of the code that returns from the handler; 0 without SA_RESTORER. */
  readonly restorer: bigint;
  /** Signals held back while the handler runs, n as bit n - 1. */
  readonly mask: bigint;
}

const DEFAULT: SigAction = { handler: SIG_DFL, flags: 0n, restorer: 0n, mask: 0n };

/** A task without a stack for its handlers (include/uapi/linux/signal.h). */
export const SS_DISABLE = 2;

/** The stack that a task's handlers run on (stack_t). */
export interface SignalStack {
  /** Lowest address, and bytes; 0 for none. */
  readonly sp: bigint;
  readonly size: bigint;
  /** SS_* bits. */
  readonly flags: number;
}

/** No stack of their own. */
export const NO_SIGNAL_STACK: SignalStack = { sp: 0n, size: 0n, flags: SS_DISABLE };

/** A signal as a bit of a mask. */
export function sigmask(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}

/**
 * The actions of a process at signals (sighand_struct); shared by threads and with CLONE_SIGHAND.
 * @see include/linux/sched/signal.h
 */
export class Sighand {
  /** Tasks that share it; changed by the kernel only. */
  users = 1;
  /** How many signals were queued for tasks that share it: news to who waits at a signalfd. */
  sent = 0;
  /** Null while all are the default. */
  private actions: Map<number, SigAction> | null = null;
  /** Signals ignored by request, and those with a handler: what status shows as SigIgn and SigCgt. */
  private ignoredMask = 0n;
  private caughtMask = 0n;

  /** Signals whose action is SIG_IGN, n as bit n - 1. */
  get ignored(): bigint {
    return this.ignoredMask;
  }

  /** Signals with a handler, n as bit n - 1. */
  get caught(): bigint {
    return this.caughtMask;
  }

  action(signal: number): SigAction {
    return this.actions?.get(signal) ?? DEFAULT;
  }

  set(signal: number, action: SigAction): void {
    const bit = sigmask(signal);
    (this.actions ??= new Map()).set(signal, action);
    const { handler } = action;
    this.ignoredMask = handler === SIG_IGN ? this.ignoredMask | bit : this.ignoredMask & ~bit;
    const caught = handler !== SIG_IGN && handler !== SIG_DFL;
    this.caughtMask = caught ? this.caughtMask | bit : this.caughtMask & ~bit;
  }

  /** Copies it for fork; the copy has one user. */
  dup(): Sighand {
    const copy = new Sighand();
    if (this.actions === null) return copy;
    copy.actions = new Map(this.actions);
    copy.ignoredMask = this.ignoredMask;
    copy.caughtMask = this.caughtMask;
    return copy;
  }

  /**
   * Handlers go, what is ignored stays so: exec, and CLONE_CLEAR_SIGHAND.
   * @see kernel/signal.c, flush_signal_handlers()
   */
  flushHandlers(): void {
    for (const [signal, { handler }] of this.actions ?? []) {
      this.set(signal, handler === SIG_IGN ? { ...DEFAULT, handler } : DEFAULT);
    }
  }

  /** Nothing at all happens at it (sig_handler_ignored()). */
  ignores(signal: number): boolean {
    const { handler } = this.action(signal);
    if (handler === SIG_IGN) return true;
    const action = defaultAction(signal);
    return handler === SIG_DFL && (action === 'ignore' || action === 'continue');
  }

  /** Children are reaped as they die: SIGCHLD is ignored, or SA_NOCLDWAIT set. */
  get reapsChildren(): boolean {
    const { handler, flags } = this.action(SIGCHLD);
    return handler === SIG_IGN || (flags & SA_NOCLDWAIT) !== 0n;
  }
}
