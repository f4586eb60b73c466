// Small cores, byte by byte, so that tests can lie in any field.
import {
  EHDR_SIZE,
  EM_X86_64,
  ET_CORE,
  NT_AUXV,
  NT_FILE,
  NT_PRPSINFO,
  NT_PRSTATUS,
  NT_SIGINFO,
  PHDR_SIZE,
  PN_XNUM,
  PT_LOAD,
  PT_NOTE,
} from '../../src/elf/format.js';

/** One PT_LOAD of a core to build. */
export interface LoadSpec {
  vaddr: bigint;
  memsz?: number;
  flags?: number;
  bytes?: Uint8Array;
}

/** One row of NT_FILE of a core to build. */
export interface FileSpec {
  start: number;
  end: number;
  /** In pages. */
  page: number;
  path: string;
}

export interface CoreSpec {
  loads: LoadSpec[];
  files?: FileSpec[];
  notes?: Uint8Array[];
  /** Threads, each by its tid. */
  tids?: number[];
  /** e_machine, and bytes of its general registers (default x86-64). */
  machine?: number;
  regs?: number;
}

/** A note in its file format. */
export function note(name: string, type: number, description: Uint8Array): Uint8Array {
  const owner = new TextEncoder().encode(`${name}\0`);
  const ownerRoom = align4(owner.length);
  const bytes = new Uint8Array(12 + ownerRoom + align4(description.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, owner.length, true);
  view.setUint32(4, description.length, true);
  view.setUint32(8, type, true);
  bytes.set(owner, 12);
  bytes.set(description, 12 + ownerRoom);
  return bytes;
}

export function prstatus(tid: number, signal: number, regs = 216): Uint8Array {
  const bytes = new Uint8Array(112 + regs + 8);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, signal, true);
  view.setInt32(32, tid, true);
  for (let i = 0; i < regs / 8; i++) view.setBigUint64(112 + i * 8, BigInt(i), true);
  return note('CORE', NT_PRSTATUS, bytes);
}

export function fileNote(files: readonly FileSpec[], count = files.length): Uint8Array {
  const names = new TextEncoder().encode(files.map(({ path }) => `${path}\0`).join(''));
  const bytes = new Uint8Array(16 + files.length * 24 + names.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(count), true);
  view.setBigUint64(8, 4096n, true);
  files.forEach(({ start, end, page }, i) => {
    view.setBigUint64(16 + i * 24, BigInt(start), true);
    view.setBigUint64(24 + i * 24, BigInt(end), true);
    view.setBigUint64(32 + i * 24, BigInt(page), true);
  });
  bytes.set(names, 16 + files.length * 24);
  return note('CORE', NT_FILE, bytes);
}

/** A whole core: header, program headers, notes, memory; nothing in it is aligned. */
export function buildCore(spec: CoreSpec): Uint8Array {
  const notes = concat([
    ...(spec.tids ?? [100]).map((tid, i) => prstatus(tid, i === 0 ? 11 : 0, spec.regs)),
    prpsinfo(),
    note('CORE', NT_SIGINFO, siginfo()),
    note('CORE', NT_AUXV, auxv([9, 0x401000])),
    ...(spec.files === undefined ? [] : [fileNote(spec.files)]),
    ...(spec.notes ?? []),
  ]);
  const phnum = spec.loads.length + 1;
  let offset = EHDR_SIZE + phnum * PHDR_SIZE;
  const headers = [phdr(PT_NOTE, 0, offset, 0n, notes.length, 0)];
  offset += notes.length;
  for (const load of spec.loads) {
    const filesz = load.bytes?.length ?? 0;
    const memsz = load.memsz ?? filesz;
    headers.push(phdr(PT_LOAD, load.flags ?? 6, offset, load.vaddr, filesz, memsz));
    offset += filesz;
  }
  const memory = spec.loads.map(({ bytes }) => bytes ?? new Uint8Array(0));
  // As the kernel does it: section 0 has the number that e_phnum cannot hold.
  const xnum = phnum >= PN_XNUM;
  const shoff = xnum ? offset : 0;
  const header = ehdr(xnum ? PN_XNUM : phnum, shoff, spec.machine ?? EM_X86_64);
  return concat([header, ...headers, notes, ...memory, ...(xnum ? [sectionZero(phnum)] : [])]);
}

function sectionZero(phnum: number): Uint8Array {
  const bytes = new Uint8Array(64);
  new DataView(bytes.buffer).setUint32(44, phnum, true);
  return bytes;
}

function ehdr(phnum: number, shoff: number, machine: number): Uint8Array {
  const bytes = new Uint8Array(EHDR_SIZE);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, ET_CORE, true);
  view.setUint16(18, machine, true);
  view.setBigUint64(32, BigInt(EHDR_SIZE), true);
  view.setBigUint64(40, BigInt(shoff), true);
  view.setUint16(54, PHDR_SIZE, true);
  view.setUint16(56, phnum, true);
  return bytes;
}

function phdr(
  type: number,
  flags: number,
  offset: number,
  vaddr: bigint,
  filesz: number,
  memsz: number,
): Uint8Array {
  const bytes = new Uint8Array(PHDR_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, flags, true);
  view.setBigUint64(8, BigInt(offset), true);
  view.setBigUint64(16, vaddr, true);
  view.setBigUint64(32, BigInt(filesz), true);
  view.setBigUint64(40, BigInt(memsz), true);
  return bytes;
}

function prpsinfo(): Uint8Array {
  const bytes = new Uint8Array(136);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, 1000, true);
  view.setUint32(20, 1001, true);
  view.setInt32(24, 100, true);
  view.setInt32(28, 1, true);
  bytes.set(new TextEncoder().encode('crash'), 40);
  bytes.set(new TextEncoder().encode('./crash now '), 56);
  return note('CORE', NT_PRPSINFO, bytes);
}

function siginfo(): Uint8Array {
  const bytes = new Uint8Array(128);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, 11, true);
  view.setInt32(8, 1, true);
  view.setBigUint64(16, 0x1234n, true);
  return bytes;
}

function auxv(pairs: readonly number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from([...pairs, 0, 0], (value) => BigInt(value)).buffer);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function align4(n: number): number {
  return Math.ceil(n / 4) * 4;
}
