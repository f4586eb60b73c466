// Instructions of the hart that touch what is watched or a device's: done here in the core's place, by the
// paths that every other load and store of a task takes there.
import { coreAddress } from './address.js';
import { deviceAt } from './device.js';
import type { Hart } from './hart.js';
import { hookedLoad, hookedStore, hookedUpdate } from './hooked.js';
import type { Mm } from './mm.js';

// Major opcodes, bits 6 to 0: the unprivileged specification's opcode map.
const LOAD = 0x03;
const LOAD_FP = 0x07;
const STORE = 0x23;
const STORE_FP = 0x27;
const AMO = 0x2f;
// funct5 of AMO.
const LR = 2;
const SC = 3;
/** What a single's upper half is in a register of 64 bits. */
const NAN_BOX = 0xffffffff00000000n;

/** A load, store or atomic, with its fields. */
export interface MemoryInsn {
  readonly opcode: number;
  readonly funct5: number;
  readonly rd: number;
  readonly rs2: number;
  /** Bytes that it moves. */
  readonly size: 1 | 2 | 4 | 8;
  readonly unsigned: boolean;
  /** The first of them, as the core takes addresses. */
  readonly addr: number;
}

/** Of the expanded instruction at the hart's pc, which accesses memory, the fields. */
export function memoryInsn(hart: Hart, insn: number): MemoryInsn {
  const opcode = insn & 0x7f;
  const funct3 = (insn >>> 12) & 7;
  const high = insn >> 25;
  const immediate =
    opcode === AMO ? 0 : opcode & 0x20 ? (high << 5) | ((insn >>> 7) & 31) : insn >> 20;
  const addr = BigInt.asUintN(64, hart.x((insn >>> 15) & 31) + BigInt(immediate));
  return {
    opcode,
    funct5: insn >>> 27,
    rd: (insn >>> 7) & 31,
    rs2: (insn >>> 20) & 31,
    size: (1 << (funct3 & 3)) as 1 | 2 | 4 | 8,
    unsigned: (funct3 & 4) !== 0,
    addr: coreAddress(addr <= Number.MAX_SAFE_INTEGER ? Number(addr) : addr),
  };
}

/**
 * Does such an instruction, all but going on behind it: `done`; `faulted`, as the core's last fault tells, and
 * then nothing of it has happened; `refused`: it reserves a place in a device, which has nothing to reserve.
 */
export function accessByHost(mm: Mm, hart: Hart, insn: MemoryInsn): 'done' | 'faulted' | 'refused' {
  if (insn.opcode === AMO) return atomicByHost(mm, hart, insn);
  const { opcode, addr, size } = insn;
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  const part = bytes.subarray(0, size);
  if (opcode === STORE || opcode === STORE_FP) {
    view.setBigUint64(0, opcode === STORE ? hart.x(insn.rs2) : hart.f(insn.rs2), true);
    return hookedStore(mm, addr, part) ? 'done' : 'faulted';
  }
  if (opcode !== LOAD && opcode !== LOAD_FP) throw new Error('the instruction accesses no memory');
  if (!hookedLoad(mm, addr, part)) return 'faulted';
  const value = view.getBigUint64(0, true);
  if (opcode === LOAD_FP) hart.setF(insn.rd, size === 4 ? NAN_BOX | value : value);
  else hart.setX(insn.rd, insn.unsigned ? value : signed(value, size));
  return 'done';
}

/** The low bytes of a value, sign-extended to 64 bits. */
function signed(value: bigint, size: number): bigint {
  return BigInt.asUintN(64, BigInt.asIntN(8 * size, value));
}

function atomicByHost(mm: Mm, hart: Hart, insn: MemoryInsn): 'done' | 'faulted' | 'refused' {
  const { addr, size, funct5 } = insn;
  const reserves = funct5 === LR || funct5 === SC;
  // arch/riscv/kernel/traps.c: a load or store access fault, as of a region without RsrvEventual.
  if (reserves && deviceAt(mm, addr) !== null) return 'refused';
  if (funct5 === LR) {
    const bytes = new Uint8Array(size);
    if (!hookedLoad(mm, addr, bytes)) return 'faulted';
    const value = valueOf(bytes);
    hart.reserve(addr, value);
    hart.setX(insn.rd, value);
    return 'done';
  }
  let old = 0n;
  const operand = signed(hart.x(insn.rs2), size);
  const done = hookedUpdate(mm, addr, size, funct5 !== SC, (before) => {
    old = valueOf(before);
    if (funct5 === SC) return hart.reservedValue === old ? bytesOf(operand, size) : null;
    return bytesOf(mm.core.exports.hartCombine(funct5, old, operand), size);
  });
  if (!done) return 'faulted';
  if (funct5 !== SC) hart.setX(insn.rd, old);
  else hart.setX(insn.rd, hart.reservedValue === old ? 0n : 1n);
  if (funct5 === SC) hart.unreserve();
  return 'done';
}

/** What a word or doubleword loads to. */
function valueOf(bytes: Uint8Array): bigint {
  const padded = new Uint8Array(8);
  padded.set(bytes);
  return signed(new DataView(padded.buffer).getBigUint64(0, true), bytes.length);
}

function bytesOf(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes.subarray(0, size);
}
