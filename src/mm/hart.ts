import * as layout from '../../assembly/abi/cpu.js';
import { FAULT_DEVICE, FAULT_OK, FAULT_OOM, FAULT_WATCH } from '../../assembly/abi/fault.js';
import type { Core } from '../wasm/core.js';
import { acting } from './acting.js';
import { coreAddress, type U64 } from './address.js';
import { type Fault, takeFault } from './cpu.js';
import { accessByHost, memoryInsn } from './hart-access.js';
import type { Mm } from './mm.js';
import { reclaimCaches } from './page-cache.js';
import { faultMended } from './stop.js';
import { noteAccess } from './watch.js';

/**
 * Most instructions of one call of the core. An engine replaces a wasm function by its optimised code when
 * it is called again, not while it runs.
 */
const SLICE = 1 << 18;

/** Why a run came back. */
export type HartStop =
  /** All fuel is spent. */
  | { readonly reason: 'fuel' }
  /** An ecall; pc is behind it, and the host answers in x10. */
  | { readonly reason: 'ecall' }
  /** An ebreak, at pc: SIGTRAP. */
  | { readonly reason: 'ebreak' }
  /** No instruction of RV64GC, at pc: SIGILL. */
  | { readonly reason: 'illegal' }
  /** A callback had the task leave this address space, by exec or exit. */
  | { readonly reason: 'moved'; readonly left: number }
  /** What the instruction at pc could not access; nothing of it has happened. */
  | { readonly reason: 'fault'; readonly fault: HartFault };

/** The signal of an access that faulted, with the byte it faulted at; none while it waits for a userfaultfd. */
export type HartFault =
  Fault | { readonly signal: 'SIGBUS'; readonly code: 'BUS_ADRALN'; readonly address: number };

/** Whose hart it is: watches are told so. */
interface HartTask {
  readonly mm: Mm | null;
}

/** Of a clone's arguments those that are registers of the child; nothing: as the parent's. */
interface ChildRegisters {
  readonly stackPointer?: bigint | null;
  readonly threadPointer?: bigint | null;
}

// The registers by their names in the calling convention.
const SP = 2;
const TP = 4;
const A0 = 10;

/** What became of an instruction that the host had executed: STOP_*, or a fault that is final. */
interface HostStep {
  readonly executed: number;
  readonly why: number;
  readonly fault: HartFault | null;
}

const FAULTED: HostStep = { executed: 0, why: layout.STOP_FAULT, fault: null };

/**
 * The registers of an RV64GC hart, and the running of it. It belongs to no address space: run() is told one.
 * It holds nothing of the core, so that it need not be freed.
 */
export class Hart {
  /** The register file as abi/cpu.ts lays it out; part of snapshots. */
  readonly state = new Uint8Array(layout.HART_SIZE);
  /** The same by words: null until it is first asked for, and after a restore. */
  private view: DataView | null = null;

  private get fields(): DataView {
    return (this.view ??= new DataView(this.state.buffer, this.state.byteOffset));
  }

  private word(at: number): bigint {
    return this.fields.getBigUint64(at, true);
  }

  private setWord(at: number, value: bigint): void {
    this.fields.setBigUint64(at, value, true);
  }

  /** Integer register 0 to 31; the first is always 0. */
  x(number: number): bigint {
    return this.word(layout.HART_X + 8 * number);
  }

  /** The same as a number where one holds it: what system calls are told, without a bigint for each register. */
  xU64(number: number): U64 {
    const at = layout.HART_X + 8 * number;
    const high = this.fields.getUint32(at + 4, true);
    return high < 2 ** 21 ? high * 2 ** 32 + this.fields.getUint32(at, true) : this.word(at);
  }

  /** The low half of an integer register, signed. */
  xInt(number: number): number {
    return this.fields.getInt32(layout.HART_X + 8 * number, true);
  }

  /** Sets an integer register other than x0 to a number that is an integer, of either sign. */
  setXNumber(number: number, value: number): void {
    const at = layout.HART_X + 8 * number;
    this.fields.setUint32(at, value >>> 0, true);
    this.fields.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  /** Sets an integer register, modulo 2^64; x0 stays 0. */
  setX(number: number, value: bigint): void {
    if (number !== 0) this.setWord(layout.HART_X + 8 * number, value);
  }

  /** The bits of floating-point register 0 to 31. */
  f(number: number): bigint {
    return this.word(layout.HART_F + 8 * number);
  }

  setF(number: number, bits: bigint): void {
    this.setWord(layout.HART_F + 8 * number, bits);
  }

  /** The address of the next instruction. */
  get pc(): bigint {
    return this.word(layout.HART_PC);
  }

  set pc(value: bigint) {
    this.setWord(layout.HART_PC, value);
  }

  /** frm in bits 7 to 5, fflags in bits 4 to 0. */
  get fcsr(): number {
    return this.fields.getUint32(layout.HART_FCSR, true);
  }

  set fcsr(value: number) {
    this.fields.setUint32(layout.HART_FCSR, value & 0xff, true);
  }

  /** Instructions that have been executed. */
  get instret(): bigint {
    return this.word(layout.HART_INSTRET);
  }

  /** The same as a number: exact for a hundred days of a thousand million a second. */
  get executed(): number {
    const at = layout.HART_INSTRET;
    return this.fields.getUint32(at + 4, true) * 2 ** 32 + this.fields.getUint32(at, true);
  }

  /** The value that the reserved place must still have for an SC to succeed. */
  get reservedValue(): bigint {
    return this.word(layout.HART_RESERVED_VALUE);
  }

  /** Reserves a place, as LR does that loaded `value`. */
  reserve(addr: number, value: bigint): void {
    this.fields.setUint32(layout.HART_RESERVED, 1, true);
    this.setWord(layout.HART_RESERVED_ADDR, BigInt(addr));
    this.setWord(layout.HART_RESERVED_VALUE, value);
  }

  unreserve(): void {
    this.fields.setUint32(layout.HART_RESERVED, 0, true);
  }

  /**
   * The registers that a child starts with: its own call answers 0, and a reservation is the parent's alone.
   * @see arch/riscv/kernel/process.c, copy_thread()
   */
  forChild({ stackPointer, threadPointer }: ChildRegisters): Hart {
    const child = new Hart();
    child.copyFrom(this);
    child.unreserve();
    child.setX(A0, 0n);
    if (typeof stackPointer === 'bigint') child.setX(SP, stackPointer);
    if (typeof threadPointer === 'bigint') child.setX(TP, threadPointer);
    return child;
  }

  /** Makes the registers, the reservation too, those of another. */
  copyFrom(other: Hart): void {
    this.state.set(other.state);
  }

  /**
   * Executes at most `fuel` instructions.
   *
   * @param task whose hart it is; its watches and devices are called while it runs
   * @throws {LinuxError} ENOMEM: a page or a page table could not be had; the instruction has not happened
   * @throws what a callback of a watch or device throws; pc and instret are those of that moment
   */
  run(mm: Mm, fuel: number, task: HartTask | null = null): HartStop {
    let left = fuel;
    let reclaimed = false;
    let hosted = false;
    while (task === null || task.mm === mm) {
      const limit = Math.min(left, mm.core.compiler?.slice ?? SLICE);
      const { executed, why, fault } = hosted ? this.hosted(mm, task) : this.step(mm, limit);
      hosted = false;
      left -= executed;
      if (fault !== null) return { reason: 'fault', fault };
      if (why === layout.STOP_FUEL) {
        if (left <= 0) return { reason: 'fuel' };
      } else if (why === layout.STOP_FAULT) {
        const stopped = mm.core.exports.lastFault();
        hosted = stopped === FAULT_WATCH || stopped === FAULT_DEVICE;
        if (hosted || faultMended(mm, stopped, true)) continue;
        if (stopped !== FAULT_OOM || reclaimed) return { reason: 'fault', fault: takeFault(mm) };
        // Blocks of decoded code are given back only while nobody stands in one.
        mm.core.exports.dropCode();
        reclaimCaches(mm.core);
        reclaimed = true;
      } else {
        return stopOf(why, mm.core);
      }
    }
    return { reason: 'moved', left };
  }

  /**
   * One instruction that touches what is watched or a device's. Watches are called when it is over and pc is
   * behind it, so that they may do whatever they like with hart and machine.
   */
  private hosted(mm: Mm, task: HartTask | null): HostStep {
    const { core } = mm;
    const actor = core.current;
    try {
      return acting(task, () => this.hostStep(mm));
    } finally {
      // The callbacks may have made calls of other tasks.
      core.current = actor;
    }
  }

  private hostStep(mm: Mm): HostStep {
    const { exports } = mm.core;
    const { pc } = this;
    const at = coreAddress(pc <= Number.MAX_SAFE_INTEGER ? Number(pc) : pc);
    exports.passFetches(true);
    const insn = exports.hartFetch(mm.ptr, at, mm.stackLimit);
    const fetchFault = exports.lastFault();
    const step = fetchFault === FAULT_OK ? this.step(mm, 1) : FAULTED;
    exports.passFetches(false);
    // Registers of a device are no instructions.
    if (fetchFault === FAULT_DEVICE) exports.failAccess(exports.lastFaultAddr());
    const done = fetchFault === FAULT_OK ? this.completed(mm, step, insn) : step;
    if (done.executed > 0 && mm.watched) {
      const bytes = insnBytes(insn);
      noteAccess(mm, at, 'execute', bytes, bytes, 'cpu');
    }
    return done;
  }

  /** A step of the core, its access made by the host where that was left to it. */
  private completed(mm: Mm, step: HostStep, insn: number): HostStep {
    const { exports } = mm.core;
    if (step.why !== layout.STOP_FAULT) return step;
    const stopped = exports.lastFault();
    if (stopped !== FAULT_WATCH && stopped !== FAULT_DEVICE) return step;
    const bytes = lengthOf(insn);
    const fields = memoryInsn(this, bytes === 2 ? exports.hartExpand(insn) : insn);
    const outcome = accessByHost(mm, this, fields);
    if (outcome === 'done') {
      this.pc += BigInt(bytes);
      this.setWord(layout.HART_INSTRET, this.instret + 1n);
      return { executed: 1, why: layout.STOP_FUEL, fault: null };
    }
    if (outcome === 'refused') {
      const fault: Fault = { signal: 'SIGSEGV', code: 'SEGV_ACCERR', address: fields.addr };
      return { ...FAULTED, fault };
    }
    return exports.lastFault() === FAULT_OOM ? FAULTED : { ...FAULTED, fault: takeFault(mm) };
  }

  /** One call of the core, the registers copied to it and back. */
  private step(mm: Mm, fuel: number): HostStep {
    const { core } = mm;
    const at = core.exports.hartState();
    const before = this.executed;
    core.copyIn(at, this.state, 0, layout.HART_SIZE);
    const why = core.exports.hartRun(mm.ptr, fuel, mm.stackLimit);
    core.copyOut(at, this.state, 0, layout.HART_SIZE);
    const executed = this.executed - before;
    core.compiler?.ran(executed);
    return { executed, why, fault: null };
  }
}

/** Bytes of an instruction, by its first. */
function lengthOf(insn: number): 2 | 4 {
  return (insn & 3) === 3 ? 4 : 2;
}

function insnBytes(insn: number): Uint8Array {
  return Uint8Array.of(insn, insn >> 8, insn >> 16, insn >> 24).subarray(0, lengthOf(insn));
}

function stopOf(why: number, core: Core): HartStop {
  if (why === layout.STOP_ECALL) return { reason: 'ecall' };
  if (why === layout.STOP_EBREAK) return { reason: 'ebreak' };
  if (why === layout.STOP_ILLEGAL) return { reason: 'illegal' };
  const address = core.exports.lastFaultAddr();
  return { reason: 'fault', fault: { signal: 'SIGBUS', code: 'BUS_ADRALN', address } };
}
