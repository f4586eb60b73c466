import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';

// An instruction is a class, and what that class does: include/uapi/linux/bpf_common.h.
const LD = 0x00;
const LDX = 0x01;
const ST = 0x02;
const STX = 0x03;
const ALU = 0x04;
const JMP = 0x05;
const RET = 0x06;
const MISC = 0x07;
/** The second operand: the constant of the instruction, or the register X. */
const K = 0x00;
const X = 0x08;
/** Where a load finds its value. */
const IMM = 0x00;
const ABS = 0x20;
const MEM = 0x60;
const LEN = 0x80;
const ADD = 0x00;
const SUB = 0x10;
const MUL = 0x20;
const DIV = 0x30;
const OR = 0x40;
const AND = 0x50;
const LSH = 0x60;
const RSH = 0x70;
const NEG = 0x80;
const XOR = 0xa0;
const JA = 0x00;
const JEQ = 0x10;
const JGT = 0x20;
const JGE = 0x30;
const JSET = 0x40;
/** What RET gives, when it is no constant. */
const RET_A = RET | 0x10;
const TAX = MISC | 0x00;
const TXA = MISC | 0x80;

const CLASS = 0x07;
const OPERATION = 0xf0;
/** What Linux's translation begins with: both registers cleared, the data's address kept. */
const PROLOGUE = 3;
/** Words of scratch memory. */
const MEMWORDS = 16;
/** BPF_MAXINSNS: most instructions of a program. */
export const MAX_INSTRUCTIONS = 4096;
/** sizeof(struct sock_filter). */
export const INSTRUCTION_SIZE = 8;

const ARITHMETIC = [ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, XOR] as const;
const CONDITIONS = [JEQ, JGT, JGE, JSET] as const;

/** What a filter of system calls may hold; packets' own loads, and BPF_MOD, it may not. */
const ALLOWED: ReadonlySet<number> = new Set([
  LD | ABS,
  LD | LEN,
  LDX | LEN,
  RET | K,
  RET_A,
  ...ARITHMETIC.flatMap((operation) => [ALU | operation | K, ALU | operation | X]),
  ALU | NEG,
  LD | IMM,
  LDX | IMM,
  TAX,
  TXA,
  LD | MEM,
  LDX | MEM,
  ST,
  STX,
  JMP | JA,
  ...CONDITIONS.flatMap((condition) => [JMP | condition | K, JMP | condition | X]),
]);

/** Instructions as two words each: code, the two jumps, and the constant. */
type Program = Uint32Array;

const codeAt = (program: Program, pc: number): number => (program[pc * 2] ?? 0) & 0xffff;
const trueJump = (program: Program, pc: number): number => ((program[pc * 2] ?? 0) >>> 16) & 0xff;
const falseJump = (program: Program, pc: number): number => (program[pc * 2] ?? 0) >>> 24;
const constantAt = (program: Program, pc: number): number => program[pc * 2 + 1] ?? 0;

/** The instructions of a program, struct sock_filter each. */
function wordsOf(bytes: Uint8Array): Program {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/**
 * Checks a program that is to judge system calls: it only looks at `dataSize` bytes, jumps forward and within
 * itself, reads no scratch memory that it may not have written, and ends.
 *
 * @throws {LinuxError} EINVAL: it does not
 * @see net/core/filter.c, bpf_check_classic(), and kernel/seccomp.c, seccomp_check_filter()
 */
export function checkFilter(bytes: Uint8Array, dataSize: number): void {
  const program = wordsOf(bytes);
  const length = program.length / 2;
  for (let pc = 0; pc < length; pc++) checkInstruction(program, pc, length, dataSize);
  const last = codeAt(program, length - 1);
  if (last !== (RET | K) && last !== RET_A) fail(EINVAL);
  checkScratch(program, length);
}

function checkInstruction(program: Program, pc: number, length: number, dataSize: number): void {
  const code = codeAt(program, pc);
  const k = constantAt(program, pc);
  if (!ALLOWED.has(code)) fail(EINVAL);
  if (code === (LD | ABS) && (k >= dataSize || k % 4 !== 0)) fail(EINVAL);
  if (code === (ALU | DIV | K) && k === 0) fail(EINVAL);
  if ((code === (ALU | LSH | K) || code === (ALU | RSH | K)) && k >= 32) fail(EINVAL);
  if (usesScratch(code) && k >= MEMWORDS) fail(EINVAL);
  if ((code & CLASS) !== JMP) return;
  const farthest =
    code === (JMP | JA) ? k : Math.max(trueJump(program, pc), falseJump(program, pc));
  if (pc + farthest + 1 >= length) fail(EINVAL);
}

const readsScratch = (code: number): boolean => code === (LD | MEM) || code === (LDX | MEM);
const writesScratch = (code: number): boolean => code === ST || code === STX;
const usesScratch = (code: number): boolean => readsScratch(code) || writesScratch(code);

/** Each word of scratch memory is written on every way to where it is read (check_load_and_stores()). */
function checkScratch(program: Program, length: number): void {
  /** Words that are written on all ways to an instruction, a bit each. */
  const written = new Uint16Array(length).fill(0xffff);
  let here = 0;
  for (let pc = 0; pc < length; pc++) {
    here &= written[pc] ?? 0;
    const code = codeAt(program, pc);
    const word = 1 << constantAt(program, pc);
    if (writesScratch(code)) here |= word;
    else if (readsScratch(code) && (here & word) === 0) fail(EINVAL);
    if ((code & CLASS) !== JMP) continue;
    const ways =
      code === (JMP | JA)
        ? [constantAt(program, pc)]
        : [trueJump(program, pc), falseJump(program, pc)];
    for (const way of ways) written[pc + 1 + way] = (written[pc + 1 + way] ?? 0) & here;
    here = 0xffff;
  }
}

/**
 * How long a checked program is for the limit on all of a task's: Linux counts what it makes of it.
 *
 * @returns instructions of its own set
 * @see net/core/filter.c, bpf_convert_filter()
 */
export function convertedLength(bytes: Uint8Array): number {
  const program = wordsOf(bytes);
  let length = PROLOGUE;
  for (let pc = 0; pc < program.length / 2; pc++) length += convertedAt(program, pc);
  return length;
}

function convertedAt(program: Program, pc: number): number {
  const code = codeAt(program, pc);
  if (code === (RET | K)) return 2;
  if (code === (ALU | DIV | X)) return 5;
  if ((code & CLASS) !== JMP || code === (JMP | JA)) return 1;
  // Constants are signed there: one with its highest bit set goes through a register.
  const wide = (code & X) === 0 && constantAt(program, pc) >= 2 ** 31 ? 1 : 0;
  const [onTrue, onFalse] = [trueJump(program, pc), falseJump(program, pc)];
  // A test that goes on at one of its ways is one jump, but for JSET, which cannot be turned round.
  const one = onFalse === 0 || (onTrue === 0 && (code & OPERATION) !== JSET);
  return wide + (one ? 1 : 2);
}

/**
 * Runs a program that was checked over the bytes it judges.
 *
 * @param data words of them, in the order of the machine
 * @returns its answer, unsigned 32 bits; a division by zero ends it with 0
 */
export function runFilter(bytes: Uint8Array, data: Uint32Array): number {
  const program = wordsOf(bytes);
  const scratch = new Uint32Array(MEMWORDS);
  let a = 0;
  let x = 0;
  let pc = 0;
  while (true) {
    const code = codeAt(program, pc);
    const k = constantAt(program, pc);
    const operand = (code & X) !== 0 ? x : k;
    switch (code & CLASS) {
      case LD:
        a = loaded(code, k, data, scratch);
        break;
      case LDX:
        x = loaded(code, k, data, scratch);
        break;
      case ST:
        scratch[k] = a;
        break;
      case STX:
        scratch[k] = x;
        break;
      case ALU:
        if (code === (ALU | DIV | X) && x === 0) return 0;
        a = computed(code & OPERATION, a, operand);
        break;
      case JMP:
        if (code === (JMP | JA)) pc += k;
        else if (holds(code & OPERATION, a, operand)) pc += trueJump(program, pc);
        else pc += falseJump(program, pc);
        break;
      case RET:
        return code === RET_A ? a : k;
      default:
        if (code === TAX) x = a;
        else a = x;
    }
    pc += 1;
  }
}

function loaded(code: number, k: number, data: Uint32Array, scratch: Uint32Array): number {
  const from = code & ~CLASS;
  if (from === ABS) return data[k / 4] ?? 0;
  if (from === MEM) return scratch[k] ?? 0;
  return from === LEN ? data.byteLength : k;
}

function computed(operation: number, a: number, operand: number): number {
  switch (operation) {
    case ADD:
      return (a + operand) >>> 0;
    case SUB:
      return (a - operand) >>> 0;
    case MUL:
      return Math.imul(a, operand) >>> 0;
    case DIV:
      return Math.floor(a / operand);
    case OR:
      return (a | operand) >>> 0;
    case AND:
      return (a & operand) >>> 0;
    case XOR:
      return (a ^ operand) >>> 0;
    case LSH:
      return (a << (operand & 31)) >>> 0;
    case RSH:
      return a >>> (operand & 31);
    default:
      return -a >>> 0;
  }
}

function holds(condition: number, a: number, operand: number): boolean {
  switch (condition) {
    case JEQ:
      return a === operand;
    case JGT:
      return a > operand;
    case JGE:
      return a >= operand;
    default:
      return (a & operand) !== 0;
  }
}
