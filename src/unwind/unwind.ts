import { stepByCfi } from './cfi-step.js';
import { CfiError } from './cursor.js';
import { findFde } from './eh-frame-hdr.js';
import type { Fde } from './eh-frame.js';
import { scanFdes } from './eh-frame.js';
import type { Image, OpenFile } from './image.js';
import { imageOf } from './image.js';
import type { MapsLine } from './maps.js';
import { findLine } from './maps.js';
import type { ReadMemory } from './memory.js';
import { readWord } from './memory.js';
import type { Registers } from './registers.js';
import { RBP, RIP, RSP } from './registers.js';

/** One frame of a stack trace. */
export interface StackFrame {
  readonly pc: bigint;
  readonly sp: bigint;
  /**
   * Whether `pc` is where execution stopped rather than a return address: true for the first
   * frame and for one that a signal interrupted. Others are looked up at `pc - 1`, in the call.
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
}

/** Frames given at most, unless the caller says otherwise: runaway recursion goes on for ever. */
const DEFAULT_LIMIT = 256;

/**
 * The stack trace of a thread of x86-64.
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
 */
export function unwind(
  registers: Registers,
  source: UnwindSource,
  limit: number = DEFAULT_LIMIT,
): StackTrace {
  return new Unwinder(source).run(registers, limit);
}

type Step = { registers: Registers; by: StackFrame['by']; interrupted: boolean } | { end: string };

class Unwinder {
  readonly #read: ReadMemory;
  readonly #maps: readonly MapsLine[];
  readonly #open: OpenFile;
  readonly #images = new Map<MapsLine, Image | null>();

  constructor(source: UnwindSource) {
    this.#read = source.read;
    this.#maps = source.maps;
    this.#open = source.open ?? (() => null);
  }

  run(start: Registers, limit: number): StackTrace {
    const frames: StackFrame[] = [];
    let registers = start;
    let by: StackFrame['by'] = 'registers';
    let exact = true;
    while (frames.length < limit) {
      const pc = registers[RIP] ?? null;
      const sp = registers[RSP] ?? null;
      if (pc === null || sp === null) return { frames, end: 'a register is not known' };
      frames.push({ pc, sp, exact, by });
      const step = this.#step(registers, pc, exact, frames.length === 1);
      if ('end' in step) return { frames, end: step.end };
      const problem = progress(sp, step.registers, step.interrupted);
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
        const caller = stepByCfi(fde, at, registers, this.#read);
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
    const rbp = registers[RBP] ?? null;
    const rsp = registers[RSP] ?? null;
    const end = { end: 'no call-frame information and no frame pointer' };
    if (rbp === null || rsp === null || rbp < rsp || rbp % 8n !== 0n) return end;
    const saved = readWord(this.#read, rbp);
    const rip = readWord(this.#read, rbp + 8n);
    if (saved === null || rip === null || !this.#executable(rip)) return end;
    const caller = registers.map(() => null as bigint | null);
    caller[RBP] = saved;
    caller[RSP] = rbp + 16n;
    caller[RIP] = rip;
    return { registers: caller, by: 'frame pointer', interrupted: false };
  }

  #stepByReturnAddress(registers: Registers): Step {
    const rsp = registers[RSP] ?? 0n;
    const rip = readWord(this.#read, rsp);
    if (rip === null || !this.#executable(rip)) return { end: 'the program counter is nowhere' };
    const caller = [...registers];
    caller[RSP] = rsp + 8n;
    caller[RIP] = rip;
    return { registers: caller, by: 'return address', interrupted: false };
  }

  #executable(pc: bigint): boolean {
    return findLine(this.#maps, Number(pc))?.perms[2] === 'x';
  }
}

/** A trace goes up the stack, except where a signal handler had a stack of its own. */
function progress(sp: bigint, caller: Registers, interrupted: boolean): string | null {
  const rip = caller[RIP] ?? null;
  const rsp = caller[RSP] ?? null;
  if (rip === 0n) return `${OUTERMOST}: the return address is 0`;
  if (rsp === null) return 'a register is not known';
  return rsp <= sp && !interrupted ? 'the stack does not go on' : null;
}
