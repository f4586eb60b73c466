import type { Cpu } from '../api/cpu.js';
import type { Task } from '../api/task.js';
import type { TaskStruct } from '../kernel/task.js';
import { Hart } from '../mm/hart.js';
import type { U64 } from '../vfs/u64.js';

/** A call that is made: registers as the caller left them, numbers where one holds them. */
export interface Call {
  readonly name: string;
  readonly nr: number;
  readonly args: readonly U64[];
}

/** What a thread that sleeps waits with. */
export interface Parked {
  readonly call: Call;
  /** What had happened in the guest when it was last tried; it is tried again when more has. */
  epoch: number;
  /** It was stopped meanwhile, or by that call: a signal comes first when it goes on. */
  stopped: boolean;
}

/** Bytes of ecall: a call that is made again is that instruction again. */
const ECALL_SIZE = 4n;
const A0 = 10;
const A7 = 17;

/** A thread of a guest: a task, its CPU, and the call it sleeps in. */
export class GuestThread {
  readonly task: Task;
  readonly struct: TaskStruct;
  readonly cpu: Cpu;
  /**
   * The call it sleeps in. The program counter is at the ecall meanwhile, and a0 what it was, so that the
   * registers alone say what is to be done.
   */
  parked: Parked | null = null;
  /** Instructions of its hart that it was charged for. */
  charged: number;

  constructor(task: Task) {
    this.task = task;
    this.struct = task.struct;
    this.cpu = task.cpu;
    this.charged = this.struct.hart?.executed ?? 0;
  }

  /** The registers of its CPU; a fork, an exec or a restore may give the task others. */
  get hart(): Hart {
    return (this.struct.hart ??= new Hart());
  }

  /** Whether it could execute an instruction now: it lives, is not stopped, and is in no vfork. */
  get runs(): boolean {
    return this.struct.state === 'R' && this.struct.vforkWait === null;
  }

  /** The call that the registers ask for; `name` tells the name of a number. */
  readCall(name: (nr: number) => string): Call {
    const { hart } = this;
    const nr = hart.xInt(A7);
    const args = [
      hart.xU64(A0),
      hart.xU64(A0 + 1),
      hart.xU64(A0 + 2),
      hart.xU64(A0 + 3),
      hart.xU64(A0 + 4),
      hart.xU64(A0 + 5),
    ];
    return { name: name(nr), nr, args };
  }

  /** Charges it from now on; returns the instructions that its hart has executed. */
  startCharging(): number {
    this.charged = this.hart.executed;
    return this.charged;
  }

  /** Instructions executed since this was last asked. */
  takeExecuted(): number {
    const { executed } = this.hart;
    const used = Math.max(executed - this.charged, 0);
    this.charged = executed;
    return used;
  }

  /** Notes that a call would sleep: it will be made again. */
  park(call: Call, epoch: number): void {
    if (this.parked === null) this.cpu.pc -= ECALL_SIZE;
    this.parked = { call, epoch, stopped: this.struct.state !== 'R' };
  }

  /** Gives a call its result. */
  answer(result: number | bigint): void {
    if (this.parked !== null) this.cpu.pc += ECALL_SIZE;
    this.parked = null;
    if (typeof result === 'number') this.hart.setXNumber(A0, result);
    else this.hart.setX(A0, result);
  }

  /** Has a call that slept be made again from its instruction. */
  restart(): void {
    this.parked = null;
  }

  /** A program that begins: all registers zero but for where it starts and its stack (start_thread()). */
  enterProgram(): void {
    this.parked = null;
    const { cpu, struct } = this;
    for (let i = 1; i < 32; i++) cpu.setX(i, 0);
    for (let i = 0; i < 32; i++) cpu.setF(i, 0);
    cpu.fcsr = 0;
    cpu.pc = struct.mm?.entry ?? 0;
    cpu.setX(2, struct.mm?.startStack ?? 0);
  }
}
