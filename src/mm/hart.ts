import * as layout from '../../assembly/abi/cpu.js';
import { FAULT_OOM, FAULT_WATCH } from '../../assembly/abi/fault.js';
import type { Core } from '../wasm/core.js';
import { type Fault, takeFault } from './cpu.js';
import type { Mm } from './mm.js';
import { faultMended } from './stop.js';

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
  /** What the instruction at pc could not access; nothing of it has happened. */
  | { readonly reason: 'fault'; readonly fault: HartFault };

/** The signal of an access that faulted, with the byte it faulted at; none while it waits for a userfaultfd. */
export type HartFault =
  Fault | { readonly signal: 'SIGBUS'; readonly code: 'BUS_ADRALN'; readonly address: number };

/**
 * The registers of an RV64GC hart, and the running of it. It belongs to no address space: run() is told one.
 * It holds nothing of the core, so that it need not be freed.
 */
export class Hart {
  /** The register file as abi/cpu.ts lays it out. */
  readonly state = new Uint8Array(layout.HART_SIZE);
  private readonly words = new BigUint64Array(this.state.buffer);
  private readonly halves = new Uint32Array(this.state.buffer);

  /** Integer register 0 to 31; the first is always 0. */
  x(number: number): bigint {
    return this.words[number] as bigint;
  }

  /** Sets an integer register, modulo 2^64; x0 stays 0. */
  setX(number: number, value: bigint): void {
    if (number !== 0) this.words[number] = value;
  }

  /** The bits of floating-point register 0 to 31. */
  f(number: number): bigint {
    return this.words[layout.HART_F / 8 + number] as bigint;
  }

  setF(number: number, bits: bigint): void {
    this.words[layout.HART_F / 8 + number] = bits;
  }

  /** The address of the next instruction. */
  get pc(): bigint {
    return this.words[layout.HART_PC / 8] as bigint;
  }

  set pc(value: bigint) {
    this.words[layout.HART_PC / 8] = value;
  }

  /** frm in bits 7 to 5, fflags in bits 4 to 0. */
  get fcsr(): number {
    return this.halves[layout.HART_FCSR / 4] as number;
  }

  set fcsr(value: number) {
    this.halves[layout.HART_FCSR / 4] = value & 0xff;
  }

  /** Instructions that have been executed. */
  get instret(): bigint {
    return this.words[layout.HART_INSTRET / 8] as bigint;
  }

  /** Makes the registers, the reservation too, those of another. */
  copyFrom(other: Hart): void {
    this.state.set(other.state);
  }

  /**
   * Executes at most `fuel` instructions.
   *
   * @throws {LinuxError} ENOMEM: a page or a page table could not be had; the instruction has not happened
   */
  run(mm: Mm, fuel: number): HartStop {
    let left = fuel;
    let reclaimed = false;
    let watched = false;
    while (true) {
      const before = this.instret;
      const why = watched ? this.unwatched(mm) : this.slice(mm, Math.min(left, SLICE));
      watched = false;
      left -= Number(this.instret - before);
      if (why === layout.STOP_FUEL) {
        if (left <= 0) return { reason: 'fuel' };
      } else if (why === layout.STOP_FAULT) {
        const fault = mm.core.exports.lastFault();
        watched = fault === FAULT_WATCH;
        if (watched || faultMended(mm, fault, true)) continue;
        if (fault !== FAULT_OOM || reclaimed) return { reason: 'fault', fault: takeFault(mm) };
        // Blocks of decoded code are given back only while nobody stands in one.
        mm.core.exports.dropCode();
        reclaimed = true;
      } else {
        return stopOf(why, mm.core);
      }
    }
  }

  /** One instruction that accesses a watched page. What the hart itself does is no hit. */
  private unwatched(mm: Mm): number {
    const { exports } = mm.core;
    exports.passWatches(true);
    const why = this.slice(mm, 1);
    exports.passWatches(false);
    return why;
  }

  /** One call of the core, the registers copied to it and back. */
  private slice(mm: Mm, fuel: number): number {
    const { core } = mm;
    const at = core.exports.hartState();
    core.copyIn(at, this.state, 0, layout.HART_SIZE);
    const why = core.exports.hartRun(mm.ptr, fuel, mm.stackLimit);
    core.copyOut(at, this.state, 0, layout.HART_SIZE);
    return why;
  }
}

function stopOf(why: number, core: Core): HartStop {
  if (why === layout.STOP_ECALL) return { reason: 'ecall' };
  if (why === layout.STOP_EBREAK) return { reason: 'ebreak' };
  if (why === layout.STOP_ILLEGAL) return { reason: 'illegal' };
  const address = core.exports.lastFaultAddr();
  return { reason: 'fault', fault: { signal: 'SIGBUS', code: 'BUS_ADRALN', address } };
}
