import { type Task, unwindMachineOf } from '../../src/index.js';
import { processOf, type ProcessView } from './process.js';
import type { Session } from './session.js';
import { floatRegistersOf, registersOf } from './thread-registers.js';

/** One general register. */
export interface RegisterRow {
  readonly name: string;
  readonly value: bigint;
  /** What it is for, where the processor gives it a meaning. */
  readonly role: 'pc' | 'sp' | 'fp' | 'link' | 'flags' | null;
  /** What it points to, if to mapped memory: the mapping, and the function where there is one. */
  readonly points: { readonly mapping: string; readonly name: string | null } | null;
}

/** One floating point or vector register. */
export interface VectorRow {
  readonly name: string;
  /** Its bytes from the least significant on, as hex. */
  readonly hex: string;
  /** As one double of its low 8 bytes. */
  readonly double: number;
}

/** The registers of a thread. */
export interface RegistersAnswer {
  readonly tid: number;
  /** Null of a thread that no CPU ran. */
  readonly arch: string | null;
  readonly general: readonly RegisterRow[];
  /** Names of the flags that are set; empty where flags are no register. */
  readonly flags: readonly string[];
  readonly vector: readonly VectorRow[];
}

const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${letter}${i}`);

/** struct user_regs_struct of x86-64, in its order. */
const X86_STRUCT = [
  ...['r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx'],
  ...['rsi', 'rdi', 'orig_rax', 'rip', 'cs', 'eflags', 'rsp', 'ss', 'fs_base', 'gs_base'],
  ...['ds', 'es', 'fs', 'gs'],
];
/** The same in the order people read them. */
const X86_SHOWN = [
  ...['rip', 'rsp', 'rbp', 'rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi'],
  ...['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'eflags'],
  ...['orig_rax', 'fs_base', 'gs_base', 'cs', 'ss', 'ds', 'es', 'fs', 'gs'],
];
/** struct user_pt_regs of aarch64, and user_regs_struct of riscv64. */
const ARM_STRUCT = [...numbered('x', 31), 'sp', 'pc', 'pstate'];
const RISCV_STRUCT = [
  ...['pc', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1'],
  ...numbered('a', 8),
  ...['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'],
];

interface Layout {
  readonly struct: readonly string[];
  readonly shown: readonly string[];
  readonly roles: Readonly<Record<string, RegisterRow['role']>>;
  /** Flags by their bit. */
  readonly flags: readonly (readonly [bit: number, name: string])[];
  readonly vector: {
    readonly names: readonly string[];
    readonly offset: number;
    readonly size: number;
  };
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  'x86-64': {
    struct: X86_STRUCT,
    shown: X86_SHOWN,
    roles: { rip: 'pc', rsp: 'sp', rbp: 'fp', eflags: 'flags' },
    // arch/x86/include/uapi/asm/processor-flags.h
    flags: [
      [0, 'CF'],
      [2, 'PF'],
      [4, 'AF'],
      [6, 'ZF'],
      [7, 'SF'],
      [8, 'TF'],
      [9, 'IF'],
      [10, 'DF'],
      [11, 'OF'],
      [16, 'RF'],
      [18, 'AC'],
      [21, 'ID'],
    ],
    // fxsave: 16 registers of 16 bytes behind the x87's.
    vector: { names: numbered('xmm', 16), offset: 160, size: 16 },
  },
  aarch64: {
    struct: ARM_STRUCT,
    shown: ['pc', 'sp', ...numbered('x', 31), 'pstate'],
    roles: { pc: 'pc', sp: 'sp', x29: 'fp', x30: 'link', pstate: 'flags' },
    flags: [
      [31, 'N'],
      [30, 'Z'],
      [29, 'C'],
      [28, 'V'],
    ],
    vector: { names: numbered('v', 32), offset: 0, size: 16 },
  },
  riscv64: {
    struct: RISCV_STRUCT,
    shown: RISCV_STRUCT,
    roles: { pc: 'pc', sp: 'sp', s0: 'fp', ra: 'link' },
    flags: [],
    vector: { names: numbered('f', 32), offset: 0, size: 8 },
  },
};

/** Registers of threads. */
export const registersHandlers = {
  'registers.of': (session: Session, args: { readonly tid: number }): RegistersAnswer => {
    const task = session.task(args.tid);
    const regs = registersOf(task);
    const arch = regs === null ? null : (unwindMachineOf(regs.length)?.name ?? null);
    const layout = arch === null ? undefined : LAYOUTS[arch];
    if (regs === null || layout === undefined) {
      return { tid: task.tid, arch: null, general: [], flags: [], vector: [] };
    }
    const general = generalRows(regs, layout, processOf(session, task));
    const flags = general.find(({ role }) => role === 'flags')?.value ?? 0n;
    return {
      tid: task.tid,
      arch,
      general,
      flags: layout.flags.filter(([bit]) => (flags >> BigInt(bit)) & 1n).map(([, name]) => name),
      vector: vectorRows(task, layout),
    };
  },
};

function generalRows(regs: Uint8Array, layout: Layout, view: ProcessView): RegisterRow[] {
  const words = new DataView(regs.buffer, regs.byteOffset, regs.byteLength);
  return layout.shown.map((name) => {
    const value = words.getBigUint64(layout.struct.indexOf(name) * 8, true);
    const role = layout.roles[name] ?? null;
    return { name, value, role, points: role === 'flags' ? null : pointsTo(value, view) };
  });
}

function pointsTo(value: bigint, view: ProcessView): RegisterRow['points'] {
  if (value >= 1n << 48n) return null;
  const line = view.lineOf(Number(value));
  if (line === null) return null;
  const name = line.perms[2] === 'x' ? view.nameOf(value) : null;
  return { mapping: line.path === '' ? 'anonymous memory' : line.path, name };
}

function vectorRows(task: Task, { vector }: Layout): VectorRow[] {
  const fpregs = floatRegistersOf(task);
  const { names, offset, size } = vector;
  if (fpregs === null || fpregs.length < offset + names.length * size) return [];
  const view = new DataView(fpregs.buffer, fpregs.byteOffset, fpregs.byteLength);
  return names.map((name, i) => {
    const at = offset + i * size;
    const bytes = [...fpregs.subarray(at, at + size)].reverse();
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { name, hex, double: view.getFloat64(at, true) };
  });
}
