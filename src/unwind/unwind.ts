import { stepByCfi } from './cfi-step.js';
import { CfiError } from './cursor.js';
import { findFde } from './eh-frame-hdr.js';
import type { Fde } from './eh-frame.js';
import { scanFdes } from './eh-frame.js';
import type { Image, OpenFile } from './image.js';
import { imageOf } from './image.js';
import type { MapsLine } from './maps.js';
import { findLine } from './maps.js';
import type { UnwindMachine } from './machines.js';
import { X86_64 } from './machines.js';
import type { ReadMemory } from './memory.js';
import { readWord } from './memory.js';
import type { Registers } from './registers.js';

/** One frame of a stack trace. */
export interface StackFrame {
  readonly pc: bigint;
  readonly sp: bigint;
  /**
   * Whether `pc` is where execution stopped rather than a return address: true for the first
   * frame, for one that a signal interrupted, and for the code that a handler returns to, which
   * nobody called. Others are looked up at `pc - 1`, in the call.
   */
  readonly exact: boolean;
  /** How this frame was found. */
  readonly by: 'registers' | 'cfi' | 'frame pointer' | 'return address';
}

/** A stack trace, innermost frame first, and why it is not longer. */
export interface StackTrace {
  readonly frames: readonly StackFrame[];
  readonly end: string;
}

/** How `end` begins where the trace is complete. */
export const OUTERMOST = 'outermost frame';

/** What a trace is made from. */
export interface UnwindSource {
  readonly read: ReadMemory;
  /** The process's mappings in address order. */
  readonly maps: readonly MapsLine[];
  /** Opens a file that maps names; needed only for files without .eh_frame_hdr. */
  readonly open?: OpenFile;
  /** The processor (default x86-64). */
  readonly machine?: UnwindMachine;
}

/** Frames given at most, unless the caller says otherwise: runaway recursion goes on for ever. */
const DEFAULT_LIMIT = 256;

/**
 * The stack trace of a thread; the equations are x86-64's, the others' are in UnwindMachine.
 *
 * Each caller is found by the first of these that applies (M[a] is the 8 bytes at a):
 *
 *     call-frame information   its rules, see RegisterRule and CfaRule
 *     frame pointer            rip' = M[rbp + 8]   rsp' = rbp + 16   rbp' = M[rbp]
 *     return address           rip' = M[rsp]       rsp' = rsp + 8
 *
 * The last is for a first frame that executes nothing, as after a call through a null pointer.
 * No other guess is made: a trace that ends early says why.
 *
 * It is not for code without both call-frame information and frame pointers, and it does not
 * read .debug_frame or inlined calls.
 *
 * @param limit frames at most
 * @throws {TypeError} a source that is none
 */
export function unwind(
  registers: Registers,
  source: UnwindSource,
  limit: number = DEFAULT_LIMIT,
): StackTrace {
  if (typeof (source as UnwindSource | undefined)?.read !== 'function') {
    throw new TypeError('source: has no function read');
  }
  if (!Array.isArray(source.maps)) throw new TypeError('source.maps: not what parseMaps() gives');
  return new Unwinder(source).run(registers, limit);
}

type Step = { registers: Registers; by: StackFrame['by']; interrupted: boolean } | { end: string };

class Unwinder {
  readonly #read: ReadMemory;
  readonly #maps: readonly MapsLine[];
  readonly #open: OpenFile;
  readonly #machine: UnwindMachine;
  readonly #images = new Map<MapsLine, Image | null>();

  constructor(source: UnwindSource) {
    this.#read = source.read;
    this.#maps = source.maps;
    this.#open = source.open ?? (() => null);
    this.#machine = source.machine ?? X86_64;
  }

  run(start: Registers, limit: number): StackTrace {
    const frames: StackFrame[] = [];
    let registers = start;
    let by: StackFrame['by'] = 'registers';
    let exact = true;
    while (frames.length < limit) {
      const pc = registers[this.#machine.pc] ?? null;
      const sp = registers[this.#machine.sp] ?? null;
      if (pc === null || sp === null) return { frames, end: 'a register is not known' };
      frames.push({ pc, sp, exact, by });
      const step = this.#step(registers, pc, exact, frames.length === 1);
      if ('end' in step) return { frames, end: step.end };
      if (step.interrupted) frames[frames.length - 1] = { pc, sp, exact: true, by };
      const problem = this.#progress(sp, step.registers, this.#isFree(step, exact));
      if (problem !== null) return { frames, end: problem };
      ({ registers, by } = step);
      exact = step.interrupted;
    }
    return { frames, end: `more than ${limit} frames` };
  }

  #step(registers: Registers, pc: bigint, exact: boolean, first: boolean): Step {
    const at = exact ? pc : pc - 1n;
    try {
      const fde = this.#fde(at);
      if (fde !== null) {
        const caller = stepByCfi(fde, at, registers, this.#read, this.#machine);
        if (caller === null) return { end: OUTERMOST };
        return { registers: caller, by: 'cfi', interrupted: fde.cie.signalFrame };
      }
    } catch (error) {
      if (!(error instanceof CfiError)) throw error;
    }
    return first && !this.#executable(pc)
      ? this.#stepByReturnAddress(registers)
      : this.#stepByFramePointer(registers);
  }

  #fde(pc: bigint): Fde | null {
    const line = findLine(this.#maps, Number(pc));
    if (line === null || line.perms[2] !== 'x') return null;
    let image = this.#images.get(line);
    if (image === undefined) {
      image = imageOf(this.#maps, line, this.#read, this.#open);
      this.#images.set(line, image);
    }
    if (image === null) return null;
    if (image.ehFrameHdr !== null) return findFde(this.#read, image.ehFrameHdr, image.end, pc);
    if (image.ehFrame === null) return null;
    return scanFdes(this.#read, image.ehFrame.start, image.ehFrame.end, pc);
  }

  #stepByFramePointer(registers: Registers): Step {
    const { pc, sp, fp, frame } = this.#machine;
    const from = registers[fp] ?? null;
    const stack = registers[sp] ?? null;
    const end = { end: 'no call-frame information and no frame pointer' };
    if (from === null || stack === null || from < stack || from % 8n !== 0n) return end;
    const saved = readWord(this.#read, from + frame.fp);
    const address = readWord(this.#read, from + frame.ra);
    if (saved === null || address === null || !this.#executable(address)) return end;
    const caller = registers.map(() => null as bigint | null);
    caller[fp] = saved;
    caller[sp] = from + frame.sp;
    caller[pc] = address;
    return { registers: caller, by: 'frame pointer', interrupted: false };
  }

  #stepByReturnAddress(registers: Registers): Step {
    const { pc, sp, link } = this.#machine;
    const stack = registers[sp] ?? 0n;
    const address = link === null ? readWord(this.#read, stack) : (registers[link] ?? null);
    if (address === null || !this.#executable(address)) {
      return { end: 'the program counter is nowhere' };
    }
    const caller = [...registers];
    caller[sp] = link === null ? stack + 8n : stack;
    caller[pc] = address;
    return { registers: caller, by: 'return address', interrupted: false };
  }

  /**
   * A trace goes up the stack, except where a signal handler had a stack of its own, and where execution
   * stopped on a processor whose calls need no stack.
   */
  #progress(sp: bigint, caller: Registers, free: boolean): string | null {
    const rip = caller[this.#machine.pc] ?? null;
    const rsp = caller[this.#machine.sp] ?? null;
    if (rip === 0n) return `${OUTERMOST}: the return address is 0`;
    if (rsp === null) return 'a register is not known';
    return rsp <= sp && !free ? 'the stack does not go on' : null;
  }

  /** Whether the caller's stack pointer may be anything. */
  #isFree(step: { readonly interrupted: boolean }, exact: boolean): boolean {
    return step.interrupted || (exact && this.#machine.link !== null);
  }

  #executable(pc: bigint): boolean {
    return findLine(this.#maps, Number(pc))?.perms[2] === 'x';
  }
}
