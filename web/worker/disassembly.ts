import { type Task, type UnwindMachine, unwindMachineOf } from '../../src/index.js';
import { disassemble, type Instruction } from './capstone.js';
import { processOf, type ProcessView } from './process.js';
import type { Session } from './session.js';
import { registersOf } from './thread-registers.js';

/** A line of disassembly. */
export interface InstructionRow {
  readonly addr: number;
  /** Its bytes as hex, in the order of memory. */
  readonly bytes: string;
  /** `(bad)` of a byte that is no instruction. */
  readonly mnemonic: string;
  readonly operands: string;
  /** The address that it jumps to, calls or looks at, where the code says so. */
  readonly target: number | null;
  /** The function that holds the target. */
  readonly targetName: string | null;
  /** The function that begins here. */
  readonly label: string | null;
}

/** The code around an address. */
export interface DisassemblyAnswer {
  readonly arch: string;
  /** The address asked about. */
  readonly addr: number;
  /** Where the thread stopped; null of one that no CPU ran. */
  readonly pc: number | null;
  readonly rows: readonly InstructionRow[];
  /** The function that holds the address. */
  readonly name: string | null;
  /** Whether decoding began at a function's start: otherwise the lines before may be wrong. */
  readonly certain: boolean;
  /** Why there is nothing; null where there is. */
  readonly problem: string | null;
}

type Arch = UnwindMachine['name'];

/** How far back a function's start is looked for, in bytes. */
const MAX_BACK = 16384;
/** How far back a start is guessed where no function is known. */
const GUESS_BACK = 96;
/** Bytes of the longest instruction. */
const LONGEST = 16;
/** Instructions come at multiples of so many bytes. */
const STEP: Readonly<Record<Arch, number>> = { 'x86-64': 1, aarch64: 4, riscv64: 2 };
const BAD = '(bad)';

/** Disassembly. */
export const disassemblyHandlers = {
  /** The lines around an address, by default around where the thread stopped. */
  'disassembly.around': async (
    session: Session,
    args: {
      readonly tid: number;
      readonly addr: number | null;
      readonly before: number;
      readonly after: number;
    },
  ): Promise<DisassemblyAnswer> => {
    const task = session.task(args.tid);
    const view = processOf(session, task);
    const machine = machineOf(task);
    const arch = machine?.name ?? 'x86-64';
    const pc = machine === null ? null : pcOf(task, machine);
    const addr = args.addr ?? pc;
    if (addr === null) return nothing(arch, 0, pc, 'no CPU ran this thread, so it stopped nowhere');
    const problem = problemAt(view, addr);
    if (problem !== null) return nothing(arch, addr, pc, problem);
    const { start, certain } = await startOf(view, addr, arch);
    const end = addr + (args.after + 1) * LONGEST;
    const rows = await decode(view, arch, start, end);
    const at = rows.findIndex((row) => row.addr === addr);
    const from = Math.max(0, at - args.before);
    const shown = rows.slice(from, at + args.after + 1).map((row) => describe(row, view, arch));
    return { arch, addr, pc, rows: shown, name: view.nameOf(BigInt(addr)), certain, problem: null };
  },
};

function machineOf(task: Task): UnwindMachine | null {
  const regs = registersOf(task);
  return regs === null ? null : unwindMachineOf(regs.length);
}

function pcOf(task: Task, machine: UnwindMachine): number | null {
  const regs = registersOf(task);
  const pc = regs === null ? null : machine.registers(regs)[machine.pc];
  return pc === null || pc === undefined || pc >= 1n << 48n ? null : Number(pc);
}

function nothing(arch: Arch, addr: number, pc: number | null, problem: string): DisassemblyAnswer {
  return { arch, addr, pc, rows: [], name: null, certain: true, problem };
}

function problemAt(view: ProcessView, addr: number): string | null {
  const line = view.lineOf(addr);
  if (line === null) return 'nothing is mapped here';
  return view.read(addr, 1) === null ? 'the memory here cannot be read' : null;
}

/** Where to begin so that an instruction begins at `addr`. */
async function startOf(
  view: ProcessView,
  addr: number,
  arch: Arch,
): Promise<{ start: number; certain: boolean }> {
  const lowest = Math.max(view.lineOf(addr)?.start ?? addr, addr - MAX_BACK);
  const name = view.nameOf(BigInt(addr));
  if (name !== null) {
    const start = functionStart(view, addr, lowest, name);
    if (start > lowest && (await leadsTo(view, arch, start, addr))) return { start, certain: true };
  }
  if (arch === 'aarch64') return { start: Math.max(lowest, addr - GUESS_BACK), certain: true };
  for (let start = Math.max(lowest, addr - GUESS_BACK); start < addr; start += STEP[arch]) {
    if (await leadsTo(view, arch, start, addr)) return { start, certain: false };
  }
  return { start: addr, certain: false };
}

/** The lowest address of the same name, by halving: functions lie in one piece. */
function functionStart(view: ProcessView, addr: number, lowest: number, name: string): number {
  let low = lowest - 1;
  let high = addr;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (view.nameOf(BigInt(middle)) === name) high = middle;
    else low = middle;
  }
  return high;
}

async function leadsTo(
  view: ProcessView,
  arch: Arch,
  start: number,
  addr: number,
): Promise<boolean> {
  if (start === addr) return true;
  const code = view.read(start, addr - start);
  if (code === null) return false;
  const last = (await disassembleOrNone(arch, code, start)).at(-1);
  return last !== undefined && Number(last.address) + last.size === addr;
}

/** Capstone throws a string where not one instruction is one. */
async function disassembleOrNone(
  arch: Arch,
  code: Uint8Array,
  addr: number,
): Promise<readonly Instruction[]> {
  try {
    return await disassemble(arch, code, addr);
  } catch (error) {
    if (typeof error === 'string') return [];
    throw error;
  }
}

interface Decoded {
  readonly addr: number;
  readonly code: Uint8Array;
  readonly mnemonic: string;
  readonly operands: string;
}

/** All instructions of [start, end); what is none is a line of its own. */
async function decode(
  view: ProcessView,
  arch: Arch,
  start: number,
  end: number,
): Promise<Decoded[]> {
  const bytes = new Uint8Array(end - start);
  const code = bytes.subarray(0, view.readInto(start, bytes));
  const rows: Decoded[] = [];
  for (let at = 0; at < code.length;) {
    for (const { size, mnemonic, op_str } of await disassembleOrNone(
      arch,
      code.subarray(at),
      start + at,
    )) {
      const addr = start + at;
      rows.push({ addr, code: code.slice(at, at + size), mnemonic, operands: op_str });
      at += size;
    }
    if (at >= code.length || code.length - at < LONGEST) break;
    const bad = code.slice(at, at + STEP[arch]);
    rows.push({ addr: start + at, code: bad, mnemonic: BAD, operands: '' });
    at += bad.length;
  }
  return rows;
}

function describe(row: Decoded, view: ProcessView, arch: Arch): InstructionRow {
  const { addr, code, mnemonic, operands } = row;
  const found = targetOf(row, arch);
  const target = found !== null && view.lineOf(found) !== null ? found : null;
  const name = view.nameOf(BigInt(addr));
  const begins = name !== null && view.nameOf(BigInt(addr - 1)) !== name;
  return {
    addr,
    bytes: [...code].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
    mnemonic,
    operands,
    target,
    targetName: target === null ? null : view.nameOf(BigInt(target)),
    label: begins ? name : null,
  };
}

/** The address in an instruction: an absolute operand, or one relative to the program counter. */
function targetOf({ addr, code, mnemonic, operands }: Decoded, arch: Arch): number | null {
  if (arch === 'riscv64') {
    const offset = /(-?0x[0-9a-f]+|-?\d+)$/.exec(operands)?.[1];
    const jumps = /^(c\.)?(j|jal|b[a-z]+)$/.test(mnemonic);
    return jumps && offset !== undefined ? addr + Number(signed(offset)) : null;
  }
  const relative = /\[rip ([+-]) 0x([0-9a-f]+)\]/.exec(operands);
  if (relative !== null) {
    const distance = Number.parseInt(relative[2] ?? '0', 16);
    return addr + code.length + (relative[1] === '-' ? -distance : distance);
  }
  const branches = arch === 'aarch64' ? /^(b|bl|b\.\w+|cbn?z|tbn?z|adrp?)$/ : /^(j\w+|call)$/;
  const absolute = /#?0x([0-9a-f]+)$/.exec(operands)?.[1];
  return branches.test(mnemonic) && absolute !== undefined ? Number.parseInt(absolute, 16) : null;
}

function signed(text: string): number {
  return text.startsWith('-') ? -Number(text.slice(1)) : Number(text);
}
