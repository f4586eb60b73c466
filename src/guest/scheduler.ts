import { taskOf } from '../api/task.js';
import { checkCpuLimit } from '../kernel/cpu-limit.js';
import { doExitGroup } from '../kernel/exit.js';
import { nextTimer } from '../kernel/itimer.js';
import type { Kernel } from '../kernel/kernel.js';
import { updateLoad } from '../kernel/loadavg.js';
import { accountSwitch, accountTime, setCurr } from '../kernel/rusage.js';
import { SIGKILL } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import type { GuestOptions, GuestState } from './guest-options.js';
import { GuestThread } from './guest-thread.js';
import { Turn } from './turn.js';

/** Instructions of one turn. */
const SLICE = 100_000;

/** Has the threads of a guest run in turn. */
export class Scheduler {
  readonly kernel: Kernel;
  readonly options: GuestOptions;
  /** Its threads, in the order of their turns. */
  threads: GuestThread[] = [];
  /** Instructions executed so far. */
  instructions = 0;
  /** Nanoseconds charged so far: an instruction each, and what calls cost. */
  charged = 0;
  /** Counts what might let a call that sleeps go on. */
  epoch = 0;
  private readonly turn: Turn;
  /** Whose turn is next. */
  private next = 0;
  /** Who had the last turn and could have gone on; null for nobody. */
  private last: GuestThread | null = null;
  /** Every task that was ever taken in: one that has exited lives again after a checkpoint's restore. */
  private readonly ours = new WeakSet<TaskStruct>();
  /** Core.rewinds when the threads were last as the machine has them. */
  private rewinds: number;

  constructor(kernel: Kernel, options: GuestOptions) {
    this.kernel = kernel;
    this.options = options;
    this.rewinds = kernel.core.rewinds;
    this.turn = new Turn(this);
  }

  /** Takes a thread in; its first turn comes after everybody else's. */
  add(thread: GuestThread): GuestThread {
    this.threads.push(thread);
    this.ours.add(thread.struct);
    return thread;
  }

  /**
   * After the machine went back to a checkpoint: the threads are those that live now, in the order of their
   * numbers. A call that one slept in is made again, as its registers say.
   */
  rejoin(): void {
    const { rewinds } = this.kernel.core;
    if (rewinds === this.rewinds) return;
    this.rewinds = rewinds;
    const living = [...this.kernel.tasks()].filter((task) => this.ours.has(task) && !task.exited);
    this.threads.splice(0, Infinity, ...living.map((task) => new GuestThread(taskOf(task))));
    this.next = 0;
    this.last = null;
    this.happened();
  }

  /** Something happened that may let calls go on. */
  happened(): void {
    this.epoch += 1;
  }

  /**
   * Runs so many instructions, or until nobody can go on.
   *
   * @param cost nanoseconds that may be charged at most, give or take a turn
   */
  run(instructions: number, cost = Infinity): GuestState {
    this.rejoin();
    const { slice = SLICE } = this.options;
    const end = this.charged + cost;
    let left = instructions;
    let idle = 0;
    while (this.threads.length > 0) {
      if (left <= 0 || this.charged >= end) return { reason: 'budget' };
      if (this.next >= this.threads.length) this.next = 0;
      if (this.timerWentOff()) idle = 0;
      const thread = this.threads[this.next] as GuestThread;
      const used = thread.struct.exited ? null : this.takeTurn(thread, Math.min(slice, left));
      left -= used ?? 0;
      if (used !== null) this.spend(thread, used);
      if (thread.struct.exited) {
        this.leave(thread);
        idle = 0;
        continue;
      }
      this.next += 1;
      idle = used === null ? idle + 1 : 0;
      if (idle > this.threads.length) return { reason: 'sleeping', until: this.earliest() };
    }
    return { reason: 'exited' };
  }

  /** On the CPU: from now to the end of its turn time is a thread's, where the clock does not go by instructions. */
  takesCpu({ struct }: GuestThread): void {
    if (this.options.clock === undefined) setCurr(this.kernel, struct);
  }

  /** A turn; nobody is on the CPU afterwards. */
  private takeTurn(thread: GuestThread, fuel: number): number | null {
    if (this.options.clock !== undefined) return this.turn.take(thread, fuel);
    try {
      return this.turn.take(thread, fuel);
    } finally {
      setCurr(this.kernel, null);
    }
  }

  /** A timer that goes off lets calls go on; those that still sleep look at theirs anew. */
  private timerWentOff(): boolean {
    const { kernel } = this;
    if (kernel.nextTimer === Infinity || kernel.time() < kernel.nextTimer) return false;
    kernel.nextTimer = Infinity;
    this.happened();
    return true;
  }

  /** Charges a thread for what it has executed since, and for a call of such a cost, ns. */
  charge(thread: GuestThread, call = 0): void {
    const used = thread.takeExecuted();
    if (used + call === 0) return;
    this.charged += used + call;
    const { clock } = this.options;
    if (clock === undefined) {
      const { onCpu } = this.kernel;
      onCpu.user += used;
      onCpu.system += call;
      return;
    }
    clock.tick(used + call);
    accountTime(thread.struct, used, call);
  }

  /** A turn is over; beyond the limit of all nobody lives on. */
  private spend(thread: GuestThread, used: number): void {
    this.instructions += used;
    this.switched(thread);
    if (!thread.struct.exited) checkCpuLimit(thread.struct);
    const { kernel, options } = this;
    if (kernel.time() >= kernel.load.next) updateLoad(kernel);
    if (this.charged < (options.instructions ?? Infinity)) return;
    for (const each of this.threads) doExitGroup(each.struct, SIGKILL);
  }

  /** Who had the turn before gave the CPU away only now; who sleeps has given it away already. */
  private switched(thread: GuestThread): void {
    const { last } = this;
    if (last !== null && last !== thread && !last.struct.exited) accountSwitch(last.struct, false);
    const goesOn = thread.runs && thread.parked === null;
    this.last = goesOn ? thread : null;
    if (!goesOn) accountSwitch(thread.struct, true);
  }

  private leave(thread: GuestThread): void {
    const { struct, task } = thread;
    this.threads.splice(this.threads.indexOf(thread), 1);
    this.happened();
    if (struct.killedBy !== null) this.options.onSignal?.({ task, ...struct.killedBy });
    this.options.onExit?.(task, struct.group.groupExitCode ?? struct.exitCode);
  }

  /** When the first of those that sleep is to wake. */
  private earliest(): number {
    const moments = this.threads.map(({ struct }) =>
      Math.min(struct.sleep?.until ?? Infinity, nextTimer(struct)),
    );
    return Math.min(this.kernel.nextTimer, ...moments);
  }
}
