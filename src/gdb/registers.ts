// Registers in the order of a target description, and where their bytes are.
import { hexOf } from './packet.js';
import type { RegisterBlock, Target } from './target.js';

/** How a value differs from the bytes it is stored as. */
export type RegisterForm = 'plain' | 'x87-tag' | 'fflags' | 'frm';

/** A register as a debugger sees it. */
export interface Register {
  readonly name: string;
  /** Bytes in the debugger's copy. */
  readonly size: number;
  /** Its type in the target description. */
  readonly type: string;
  /** Where it is stored; null for one that is always zero. */
  readonly block: RegisterBlock | null;
  readonly offset: number;
  /** Bytes stored: the value is cut or filled with zeros to `size`. */
  readonly stored: number;
  readonly form: RegisterForm;
  /** The register's use: lldb and gdb show groups. */
  readonly group?: string;
}

/** A feature of a target description: a name that gdb knows, and its registers in order. */
export interface RegisterFeature {
  readonly name: string;
  /** Definitions of types that its registers use, as XML. */
  readonly types: string;
  readonly registers: readonly Register[];
}

/** What the protocol must know of a processor. */
export interface Architecture {
  /** Its name in a target description. */
  readonly name: string;
  /** What lldb calls it. */
  readonly triple: string;
  /** In the order of their numbers, which run on from one feature to the next. */
  readonly features: readonly RegisterFeature[];
}

/** A register that is stored as it is seen. */
export function plainRegister(
  name: string,
  type: string,
  size: number,
  place: { readonly block: RegisterBlock; readonly offset: number; readonly stored?: number },
): Register {
  const { block, offset, stored = size } = place;
  return { name, size, type, block, offset, stored, form: 'plain' };
}

/** All registers of a processor in the order of their numbers. */
export function registersOf(arch: Architecture): Register[] {
  return arch.features.flatMap(({ registers }) => registers);
}

/** The description that `qXfer:features:read:target.xml` gives. */
export function targetXml(arch: Architecture): string {
  const lines = ['<?xml version="1.0"?>', '<!DOCTYPE target SYSTEM "gdb-target.dtd">'];
  lines.push('<target version="1.0">', `<architecture>${arch.name}</architecture>`);
  lines.push('<osabi>GNU/Linux</osabi>');
  let number = 0;
  for (const { name, types, registers } of arch.features) {
    lines.push(`<feature name="${name}">`, ...(types === '' ? [] : [types]));
    for (const register of registers) lines.push(describe(register, number++));
    lines.push('</feature>');
  }
  return [...lines, '</target>', ''].join('\n');
}

function describe({ name, size, type, group }: Register, number: number): string {
  const shown = group === undefined ? '' : ` group="${group}"`;
  return `<reg name="${name}" bitsize="${8 * size}" type="${type}" regnum="${number}"${shown}/>`;
}

/** Registers of a thread as `g` and `p` give them: `xx` for what is not known. */
export function readRegisters(target: Target, tid: number, wanted: readonly Register[]): string {
  const blocks = {
    general: target.registers(tid, 'general'),
    float: target.registers(tid, 'float'),
  };
  return wanted.map((register) => readRegister(register, blocks)).join('');
}

type Blocks = Readonly<Record<RegisterBlock, Uint8Array | null>>;

function readRegister(register: Register, blocks: Blocks): string {
  const { block, offset, size, stored, form } = register;
  if (block === null) return '00'.repeat(size);
  const bytes = blocks[block];
  if (bytes === null || offset + stored > bytes.length) return 'xx'.repeat(size);
  const value = new Uint8Array(size);
  if (form === 'x87-tag') setU16(value, fullTag(bytes));
  else if (form === 'fflags') value[0] = (bytes[offset] as number) & 0x1f;
  else if (form === 'frm') value[0] = ((bytes[offset] as number) >> 5) & 7;
  else value.set(bytes.subarray(offset, offset + Math.min(size, stored)));
  return hexOf(value);
}

/**
 * Changes registers of a thread.
 *
 * @param values the bytes of each; null for one to be left as it is
 * @returns whether all of them are stored somewhere
 */
export function writeRegisters(
  target: Target,
  tid: number,
  changes: readonly (readonly [register: Register, value: Uint8Array | null])[],
): boolean {
  const known = { general: false, float: false };
  const blocks: Record<RegisterBlock, Uint8Array | null> = {
    general: target.registers(tid, 'general'),
    float: target.registers(tid, 'float'),
  };
  for (const [register, value] of changes) {
    if (value === null || register.block === null) continue;
    const bytes = blocks[register.block];
    if (bytes === null || register.offset + register.stored > bytes.length) return false;
    writeRegister(bytes, register, value);
    known[register.block] = true;
  }
  for (const block of ['general', 'float'] as const) {
    const bytes = blocks[block];
    if (known[block] && bytes !== null) target.setRegisters(tid, block, bytes);
  }
  return true;
}

function writeRegister(bytes: Uint8Array, register: Register, value: Uint8Array): void {
  const { offset, stored, form, size } = register;
  const old = bytes[offset] as number;
  const low = value[0] as number;
  if (form === 'x87-tag') bytes[offset] = abridgedTag((value[1] as number) * 256 + low);
  else if (form === 'fflags') bytes[offset] = (old & ~0x1f) | (low & 0x1f);
  else if (form === 'frm') bytes[offset] = (old & ~0xe0) | ((low & 7) << 5);
  else {
    const field = bytes.subarray(offset, offset + stored);
    field.fill(0);
    field.set(value.subarray(0, Math.min(size, stored)));
  }
}

function setU16(bytes: Uint8Array, value: number): void {
  bytes[0] = value & 0xff;
  bytes[1] = value >> 8;
}

/** Offsets in what fxsave stores. */
const FXSAVE_STATUS = 2;
const FXSAVE_TAG = 4;
const FXSAVE_ST = 32;

/**
 * The tag word of the x87: two bits a register, 0 valid, 1 zero, 2 special, 3 empty. fxsave keeps one
 * bit a register, empty or not; the rest follows from the value.
 * @see arch/x86/kernel/fpu/regset.c, twd_fxsr_to_i387()
 */
function fullTag(fxsave: Uint8Array): number {
  const top = ((fxsave[FXSAVE_STATUS + 1] as number) >> 3) & 7;
  let tag = 0;
  for (let i = 0; i < 8; i++) {
    const used = ((fxsave[FXSAVE_TAG] as number) >> i) & 1;
    const at = FXSAVE_ST + 16 * ((i - top) & 7);
    tag |= (used === 0 ? 3 : tagOf(fxsave.subarray(at, at + 10))) << (2 * i);
  }
  return tag;
}

function tagOf(st: Uint8Array): number {
  const exponent = (((st[9] as number) & 0x7f) << 8) | (st[8] as number);
  if (exponent === 0x7fff) return 2;
  if (exponent !== 0) return ((st[7] as number) & 0x80) === 0 ? 2 : 0;
  return st.subarray(0, 8).every((byte) => byte === 0) ? 1 : 2;
}

function abridgedTag(tag: number): number {
  let bits = 0;
  for (let i = 0; i < 8; i++) if (((tag >> (2 * i)) & 3) !== 3) bits |= 1 << i;
  return bits;
}
