import { constants } from 'node:os';
import { placeArguments, register } from './arguments.js';
import * as channel from './channel.js';
import { readMaps, readPagemap, readSmaps } from './inspect.js';
import { hex, type CallStep, type Fault, type PeekStep, type PokeStep, type Step } from './step.js';

interface Task {
  readonly slot: number;
  readonly pid: bigint;
}

const SIGNAL_CODES: Readonly<Record<string, readonly string[]>> = {
  SIGSEGV: ['', 'SEGV_MAPERR', 'SEGV_ACCERR'],
  SIGBUS: ['', 'BUS_ADRALN', 'BUS_ADRERR', 'BUS_OBJERR', 'BUS_MCEERR_AR'],
};
const SIGKILL = constants.signals.SIGKILL;
/** Calls whose first argument is a process and whose last is the signal it gets. */
const KILLS = ['kill', 'tkill', 'tgkill'];

/** The answer has no place in a trace: a value in [-4095, -1] that is no error's. */
export class UnspeakableAnswer extends Error {}

/** Performs the steps of one trace on the kernel underneath. */
export class Session {
  readonly #channel: channel.Channel;
  readonly #names = new Map<string, bigint>();
  readonly #tasks = new Map<string, Task>();
  #slots = 0;

  /** @param tasks the names of the processes that exist at the start */
  constructor(executor: string, tasks: readonly string[]) {
    this.#channel = new channel.Channel(executor);
    for (const name of tasks) {
      const slot = this.#newSlot();
      const { value } = this.#channel.ask({ op: channel.OP_SPAWN, slot });
      this.#addTask(name, { slot, pid: value }, value);
    }
  }

  get hello(): channel.Hello {
    return this.#channel.hello;
  }

  /** The value bound to a name. @throws {Error} there is none */
  valueOf(name: string): bigint {
    const value = this.#names.get(name);
    if (value === undefined) throw new Error(`${name} is not bound`);
    return value;
  }

  /** Performs a step; gives it with the kernel's answer. */
  perform(step: Step): Step {
    if ('call' in step) return this.#call(step);
    if ('peek' in step) return this.#peek(step);
    if ('poke' in step) return this.#poke(step);
    const task = this.#task(step.task);
    if ('fork' in step) return { task: step.task, fork: step.fork, ...this.#fork(task, step.fork) };
    if ('thread' in step) {
      return { task: step.task, thread: step.thread, ...this.#thread(task, step.thread) };
    }
    if ('exit' in step) return this.#exit(task, step);
    if ('maps' in step) return { task: step.task, maps: readMaps(task.pid) };
    if ('smaps' in step) return { task: step.task, smaps: readSmaps(task.pid) };
    const [address, count] = step.pagemap;
    const bits = readPagemap(task.pid, Number(register(address)), count);
    return { task: step.task, pagemap: step.pagemap, bits };
  }

  /** Ends every task. */
  async end(): Promise<void> {
    await this.#channel.close();
  }

  #call(step: CallStep): CallStep {
    const nr = this.hello.calls[step.call];
    if (nr === undefined) throw new Error(`syscall-names.h does not have ${step.call}`);
    const { slot } = this.#task(step.task);
    const placed = placeArguments(step.args, (name) => this.valueOf(name));
    const kills = KILLS.includes(step.call) && placed.registers.at(-1) === BigInt(SIGKILL);
    const { value, errno, out } = this.#channel.ask({
      op: channel.OP_CALL,
      slot,
      nr,
      args: placed.registers,
      bytes: placed.bytes,
      outs: placed.outs,
    });
    if (errno === '') throw new UnspeakableAnswer(`${step.call} gave ${value}`);
    if (step.as !== undefined) this.#names.set(step.as, errno === null ? value : -1n);
    if (kills && errno === null) this.#awaitEnd(placed.registers[0]!);
    const { task, call, args, as } = step;
    const outs = splitOuts(out, placed.outs);
    return {
      task,
      call,
      args,
      ...(as === undefined ? {} : { as }),
      ...(errno !== null ? { errno } : { ret: as === undefined ? resultOf(value) : '*' }),
      ...(outs.length === 0 ? {} : { out: outs }),
    };
  }

  #peek(step: PeekStep): PeekStep {
    const { slot } = this.#task(step.task);
    const [address, length] = step.peek;
    const args = [register(address), BigInt(length)];
    const reply = this.#channel.ask({ op: channel.OP_PEEK, slot, args });
    const answer = reply.fault
      ? { fault: faultOf(reply.fault) }
      : { data: reply.out.toString('hex') };
    return { task: step.task, peek: step.peek, ...answer };
  }

  #poke(step: PokeStep): PokeStep {
    const { slot } = this.#task(step.task);
    const [address, data] = step.poke;
    const bytes = Buffer.from(data, 'hex');
    const { fault } = this.#channel.ask({
      op: channel.OP_POKE,
      slot,
      args: [register(address)],
      bytes,
    });
    return { task: step.task, poke: step.poke, ...(fault ? { fault: faultOf(fault) } : {}) };
  }

  #fork(parent: Task, name: string): { errno?: string } {
    const slot = this.#newSlot();
    const args = [BigInt(slot)];
    const { value, errno } = this.#channel.ask({ op: channel.OP_FORK, slot: parent.slot, args });
    if (errno !== null) return { errno };
    this.#addTask(name, { slot, pid: value }, value);
    return {};
  }

  #thread(of: Task, name: string): { errno?: string } {
    const slot = this.#newSlot();
    const args = [BigInt(slot)];
    const { value, errno } = this.#channel.ask({ op: channel.OP_THREAD, slot: of.slot, args });
    if (errno !== null) return { errno };
    this.#addTask(name, { slot, pid: of.pid }, value);
    return {};
  }

  #exit(task: Task, step: Step & { exit: number }): Step {
    this.#channel.ask({ op: channel.OP_EXIT, slot: task.slot, args: [register(step.exit)] });
    this.#awaitEnd(task.pid);
    return step;
  }

  /** Waits until a process is a zombie, or reaped when nobody of the trace is its parent. */
  #awaitEnd(pid: bigint): void {
    this.#channel.ask({ op: channel.OP_AWAIT_DEATH, slot: 0, args: [pid] });
  }

  #newSlot(): number {
    if (this.#slots === channel.MAX_TASKS) throw new Error(`more than ${channel.MAX_TASKS} tasks`);
    return this.#slots++;
  }

  #addTask(name: string, task: Task, tid: bigint): void {
    this.#tasks.set(name, task);
    this.#names.set(`${name}.pid`, task.pid);
    this.#names.set(`${name}.tid`, tid);
  }

  #task(name: string): Task {
    const task = this.#tasks.get(name);
    if (task === undefined) throw new Error(`there is no task ${name}`);
    return task;
  }
}

function splitOuts(out: Buffer, ranges: readonly { readonly length: number }[]): string[] {
  let at = 0;
  return ranges.map(({ length }) => out.toString('hex', at, (at += length)));
}

function resultOf(value: bigint): number | string {
  return value > -(2n ** 53n) && value < 2n ** 53n ? Number(value) : hex(value);
}

function faultOf(fault: NonNullable<channel.Reply['fault']>): Fault {
  const signal = fault.signal === constants.signals.SIGSEGV ? 'SIGSEGV' : 'SIGBUS';
  const code = SIGNAL_CODES[signal]![fault.code] ?? String(fault.code);
  return [signal, code, hex(fault.address)];
}
