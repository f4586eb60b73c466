import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CoreMapping } from './core-mappings.js';
import type { Core } from './core.js';
import { PF_R, PF_W, PF_X, PHDR_SIZE, PN_XNUM, PT_LOAD, SHDR_SIZE } from './format.js';
import { readHeader } from './header.js';
import { readSegments } from './segments.js';
import { readFields } from './source.js';

/** Bytes and where in a file they go: over what is there, or behind its end. */
export interface FilePatch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Memory that cannot be written: the first byte, and why. */
export interface Unpatchable {
  readonly addr: number;
  /** Nothing is mapped there, or only part of a page is written of which the rest is not known. */
  readonly why: 'unmapped' | 'unknown';
}

/** Gives the page at an address as far as it is known, and null where it is not. */
export type KnownPage = (addr: number) => Uint8Array | null;

/**
 * What makes of a core one in whose memory `bytes` lie at `start`.
 *
 * Memory that the core has is written over in place. A page that was not dumped comes behind the file's
 * end, where a new table of program headers has a segment for it:
 *
 *     before   | header | table   | notes, memory …                |
 *     after    | header | (old)   | notes, memory …                | pages | table | section 0, if it counts |
 */
export function patchCore(
  core: Core,
  start: number,
  bytes: Uint8Array,
  page: KnownPage,
): readonly FilePatch[] | Unpatchable {
  const patches: FilePatch[] = [];
  const added: AddedPage[] = [];
  for (let done = 0; done < bytes.length;) {
    const addr = start + done;
    const base = addr - (addr % PAGE_SIZE);
    const part = bytes.subarray(done, done + base + PAGE_SIZE - addr);
    const mapping = core.mappings.find((one) => one.start <= addr && addr < one.end);
    if (mapping === undefined) return { addr, why: 'unmapped' };
    if (addr + part.length <= mapping.start + mapping.dumped) {
      patches.push({ offset: mapping.offset + addr - mapping.start, bytes: part });
    } else {
      const whole = part.length === PAGE_SIZE ? part.slice() : page(base)?.slice();
      if (whole === undefined) return { addr, why: 'unknown' };
      whole.set(part, addr - base);
      added.push({ addr: base, bytes: whole, mapping });
    }
    done += part.length;
  }
  return added.length === 0 ? patches : [...patches, ...addPages(core, added)];
}

interface AddedPage {
  readonly addr: number;
  readonly bytes: Uint8Array;
  readonly mapping: CoreMapping;
}

/** A PT_LOAD as the new table has it. */
interface Load {
  readonly flags: number;
  readonly vaddr: number;
  readonly offset: number;
  readonly filesz: number;
  readonly memsz: number;
}

/** The pages behind the end, and the headers that tell of them. `added` rises, and is one stretch. */
function addPages(core: Core, added: readonly AddedPage[]): FilePatch[] {
  const { source } = core;
  const pagesAt = Math.ceil(source.size / PAGE_SIZE) * PAGE_SIZE;
  const loads = added.map(({ addr, mapping }, i) => {
    const offset = pagesAt + i * PAGE_SIZE;
    const place = { vaddr: addr, offset, filesz: PAGE_SIZE, memsz: PAGE_SIZE };
    return { ...place, flags: flagsOf(mapping) };
  });
  const table = newTable(core, loads);
  const tableAt = pagesAt + added.length * PAGE_SIZE;
  const pages = added.map(({ bytes }, i) => ({ offset: pagesAt + i * PAGE_SIZE, bytes }));
  return [
    ...pages,
    { offset: tableAt, bytes: table },
    ...headerPatches(core, tableAt, table.length),
  ];
}

function flagsOf({ perms }: CoreMapping): number {
  const bit = (letter: string, flag: number): number => (perms?.includes(letter) ? flag : 0);
  return bit('r', PF_R) | bit('w', PF_W) | bit('x', PF_X);
}

/** The old table with the segments split that hold added pages; those that no segment holds come last. */
function newTable(core: Core, added: readonly Load[]): Uint8Array {
  const { source } = core;
  const rows: Uint8Array[] = [];
  const placed = new Set<Load>();
  for (const segment of readSegments(source, readHeader(source))) {
    const old = readFields(source, segment.at, PHDR_SIZE, 'a program header').bytes;
    const start = Number(segment.vaddr);
    const inside = added.filter(
      ({ vaddr }) => segment.type === PT_LOAD && start <= vaddr && vaddr < start + segment.memsz,
    );
    if (inside.length === 0) {
      rows.push(old);
      continue;
    }
    const { flags, offset, filesz, memsz } = segment;
    for (const load of split({ flags, offset, filesz, memsz, vaddr: start }, inside)) {
      rows.push(encodeLoad(load));
    }
    for (const load of inside) placed.add(load);
  }
  for (const load of added) if (!placed.has(load)) rows.push(encodeLoad(load));
  const table = new Uint8Array(rows.length * PHDR_SIZE);
  rows.forEach((row, i) => table.set(row, i * PHDR_SIZE));
  return table;
}

/** A segment around the pages that were added to it, all of them behind its dumped bytes but for a page. */
function split(segment: Load, inside: readonly Load[]): Load[] {
  const loads: Load[] = [];
  const end = segment.vaddr + segment.memsz;
  const between = (from: number, to: number): void => {
    if (from >= to) return;
    const at = from - segment.vaddr;
    const filesz = Math.max(0, Math.min(segment.filesz - at, to - from));
    loads.push({ ...segment, vaddr: from, offset: segment.offset + at, filesz, memsz: to - from });
  };
  let from = segment.vaddr;
  for (const load of inside) {
    between(from, load.vaddr);
    loads.push({ ...load, flags: segment.flags });
    from = load.vaddr + load.memsz;
  }
  between(from, end);
  // A segment without bytes may stand nowhere: its place in the file has to be there.
  return loads.map((load) => (load.filesz === 0 ? { ...load, offset: 0 } : load));
}

function encodeLoad({ flags, vaddr, offset, filesz, memsz }: Load): Uint8Array {
  const row = new Uint8Array(PHDR_SIZE);
  const view = new DataView(row.buffer);
  view.setUint32(0, PT_LOAD, true);
  view.setUint32(4, flags, true);
  [offset, vaddr, 0, filesz, memsz, PAGE_SIZE].forEach((value, i) => {
    view.setBigUint64(8 + i * 8, BigInt(value), true);
  });
  return row;
}

/** e_phoff and e_phnum, and section 0 where that has the count. */
function headerPatches({ source }: Core, tableAt: number, tableSize: number): FilePatch[] {
  const { shoff } = readHeader(source);
  const count = tableSize / PHDR_SIZE;
  const extended = count >= PN_XNUM;
  const patches = [
    { offset: 32, bytes: littleEndian(8, tableAt) },
    { offset: 56, bytes: littleEndian(2, extended ? PN_XNUM : count) },
  ];
  if (!extended) return patches;
  if (shoff !== 0) return [...patches, { offset: shoff + 44, bytes: littleEndian(4, count) }];
  const section = new Uint8Array(SHDR_SIZE);
  section.set(littleEndian(8, 1), 32);
  section.set(littleEndian(4, count), 44);
  const sectionAt = tableAt + tableSize;
  const sizes = new Uint8Array([...littleEndian(2, SHDR_SIZE), ...littleEndian(2, 1)]);
  return [
    ...patches,
    { offset: 40, bytes: littleEndian(8, sectionAt) },
    { offset: 58, bytes: sizes },
    { offset: sectionAt, bytes: section },
  ];
}

function littleEndian(size: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes.subarray(0, size);
}
