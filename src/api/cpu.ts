import { actAs } from '../kernel/rusage.js';
import type { TaskStruct } from '../kernel/task.js';
import { Hart, type HartStop } from '../mm/hart.js';
import { currentMm } from '../syscall/args.js';
import { intArgument, livingArgument, u64Argument } from './arguments.js';

/** Why a run of a CPU came back. */
export type CpuStop =
  | {
      /**
       * `fuel`: all is spent. `ecall`: a system call, pc behind it. `ebreak`: at pc, SIGTRAP. `illegal`: at pc
       * is no instruction of RV64GC, SIGILL.
       */
      readonly reason: 'fuel' | 'ecall' | 'ebreak' | 'illegal';
      /** The instruction to be executed next. */
      readonly pc: bigint;
    }
  | {
      /** The instruction at pc could not access memory, and nothing of it has happened. */
      readonly reason: 'fault';
      /** Null where Linux sends none: a userfaultfd has the fault, and a later run makes the access again. */
      readonly signal: 'SIGSEGV' | 'SIGBUS' | null;
      /**
       * si_code: nothing mapped, not permitted, beyond the end of the file, an atomic not aligned; USERFAULT:
       * it waits for a userfaultfd.
       */
      readonly code: 'SEGV_MAPERR' | 'SEGV_ACCERR' | 'BUS_ADRERR' | 'BUS_ADRALN' | 'USERFAULT';
      /** si_addr: the first byte that could not be had; of a fetch, an address from pc on. */
      readonly address: bigint;
      readonly pc: bigint;
    };

const cpus = new WeakMap<TaskStruct, Cpu>();

/** The hart of a thread, made when it is first asked for. */
export function cpuOf(struct: TaskStruct): Cpu {
  let cpu = cpus.get(struct);
  if (cpu === undefined) cpus.set(struct, (cpu = new Cpu(struct)));
  return cpu;
}

/** The hart of a thread that runs on it, or is about to; null for one that has been left alone. */
export function startedCpu(struct: TaskStruct): Cpu | null {
  const cpu = cpus.get(struct);
  return cpu === undefined || (cpu.pc === 0n && cpu.instret === 0n) ? null : cpu;
}

/** Most instructions of one run. */
const FUEL_MAX = 2 ** 52;

/**
 * A RISC-V hart (RV64GC, user mode) that runs on the memory of its task: rv64imafdc with Zicsr and Zifencei.
 * System calls are the host's to make.
 *
 * @example
 * const { cpu } = task;
 * cpu.pc = entry;
 * cpu.setX(2, stackTop);
 * for (let stop = cpu.run(1e6); stop.reason === 'ecall'; stop = cpu.run(1e6)) {
 *   const args = [10, 11, 12, 13, 14, 15].map((register) => cpu.x(register));
 *   const result = machine.syscall(task, Number(cpu.x(17)), args, 'riscv64');
 *   if (task.exited) break;
 *   cpu.setX(10, BigInt(result));
 * }
 */
export class Cpu {
  readonly #struct: TaskStruct;

  /**
   * Use task.cpu.
   *
   * @internal
   */
  constructor(struct: TaskStruct) {
    this.#struct = struct;
  }

  /** A field of the task: part of checkpoints and snapshots, and copied by fork and clone. */
  get #hart(): Hart {
    return (this.#struct.hart ??= new Hart());
  }

  /** The address of the next instruction. */
  get pc(): bigint {
    return this.#hart.pc;
  }

  set pc(value: number | bigint) {
    this.#hart.pc = BigInt(u64Argument('pc', value));
  }

  /** Integer register x0 to x31, unsigned. @throws {RangeError} no such register */
  x(register: number): bigint {
    return this.#hart.x(intArgument('register', register, 0, 31));
  }

  /** Sets an integer register, modulo 2^64; x0 stays 0. @throws {RangeError} no such register */
  setX(register: number, value: number | bigint): void {
    this.#hart.setX(intArgument('register', register, 0, 31), BigInt(u64Argument('value', value)));
  }

  /** The 64 bits of register f0 to f31; a single lies in the low half. @throws {RangeError} */
  f(register: number): bigint {
    return this.#hart.f(intArgument('register', register, 0, 31));
  }

  /** Sets the bits of a floating-point register. @throws {RangeError} no such register */
  setF(register: number, bits: number | bigint): void {
    this.#hart.setF(intArgument('register', register, 0, 31), BigInt(u64Argument('bits', bits)));
  }

  /** The floating-point control and status register: frm in bits 7 to 5, fflags in bits 4 to 0. */
  get fcsr(): number {
    return this.#hart.fcsr;
  }

  set fcsr(value: number) {
    this.#hart.fcsr = intArgument('fcsr', value, 0, 0xff);
  }

  /** Instructions that have been executed. */
  get instret(): bigint {
    return this.#hart.instret;
  }

  /** Makes all registers those of another CPU. */
  copyFrom(other: Cpu): void {
    if (!(other instanceof Cpu)) throw new TypeError('other: not a Cpu');
    this.#hart.copyFrom(other.#hart);
  }

  /**
   * Executes at most `fuel` instructions; a later run goes on where this one ended.
   *
   * What it touches of watched bytes and devices calls their functions, those of watches when the instruction is
   * over and pc behind it. An error of one comes out of the run; a later run goes on at pc.
   *
   * @throws {LinuxError} ENOMEM: the machine's memory is used up; the instruction at pc has not happened
   * @throws {TypeError} the task has exited, be it that a callback ended it
   * @throws {RangeError} fuel is no integer from 0 on
   */
  run(fuel: number): CpuStop {
    let stop = this.#runOn(intArgument('fuel', fuel, 0, FUEL_MAX));
    while (stop.reason === 'moved') stop = this.#runOn(stop.left);
    const { pc } = this;
    if (stop.reason !== 'fault') return { reason: stop.reason, pc };
    const { signal, code, address } = stop.fault;
    return { reason: 'fault', signal, code, address: BigInt(address), pc };
  }

  /** Runs until something stops it, or until a callback gives the task other memory. */
  #runOn(fuel: number): HartStop {
    const struct = livingArgument('task', this.#struct);
    actAs(struct);
    return this.#hart.run(currentMm(struct), fuel, struct);
  }
}
