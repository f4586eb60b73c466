import { statSync } from 'node:fs';

import {
  encodeFiles,
  encodeNote,
  encodePrpsinfo,
  encodePrstatus,
} from '../elf/core-writer-notes.js';
import { CoreFile, type CoreSegment } from '../elf/core-writer.js';
import { NT_AUXV, NT_SIGINFO, PF_R, PF_W, PF_X } from '../elf/format.js';
import { hasElfMagic } from '../elf/header.js';
import { CopyPlan } from './copy-plan.js';
import { type HostMapping, isHostFile } from './host-maps.js';
import { HostPageReader, type WhichPages } from './host-pages.js';
import type { HostDescription, HostProcess } from './host-process.js';
import type { HostSizes } from './host-smaps.js';

// Bits of /proc/PID/coredump_filter: MMF_DUMP_* of include/linux/sched/coredump.h.
const ANON_PRIVATE = 0x1;
const ANON_SHARED = 0x2;
const MAPPED_PRIVATE = 0x4;
const MAPPED_SHARED = 0x8;
const ELF_HEADERS = 0x10;
const HUGETLB_PRIVATE = 0x20;
const HUGETLB_SHARED = 0x40;

const PAGE = 4096;
const REGS_SIZE = 216;
const VSYSCALL = 0xffffffffff600000n;

/** A core of a process of this computer, to be written in pieces while the process rests. */
export interface HostCore {
  readonly file: CoreFile;
  /** Which memory is to go where in the file: what lies between is zeros. */
  plan(jobBytes: number): CopyPlan;
}

/**
 * A core of a process of this computer as the kernel would write it. Its registers are those that /proc
 * tells; which mappings have pages of their own is taken from smaps.
 *
 * @param filter bits of coredump_filter (default: the process's own)
 * @see fs/coredump.c, vma_dump_size()
 */
export function hostCore(
  process: HostProcess,
  description: HostDescription,
  filter: number = description.filter,
): HostCore {
  const reader = new HostPageReader(process);
  const { mappings } = description;
  const sizes = process.sizes();
  const segments = mappings.map((mapping) =>
    segment(reader, mapping, dumpSize(process, sizes.get(mapping.start), mapping, filter)),
  );
  segments.push({ vaddr: VSYSCALL, memsz: PAGE, filesz: PAGE, flags: PF_X, contents: () => [] });
  const file = new CoreFile({ notes: hostNotes(description), segments });
  return {
    file,
    plan(jobBytes) {
      const plan = new CopyPlan(jobBytes);
      for (const [i, mapping] of mappings.entries()) {
        const { filesz = 0 } = segments[i] ?? {};
        if (isDevice(mapping.name)) continue;
        const shift = file.segmentOffset(i) - mapping.start;
        const end = mapping.start + filesz;
        for (const range of reader.ranges(mapping.start, end, whichPages(mapping))) {
          plan.add(range.start, range.end - range.start, range.start + shift);
        }
      }
      return plan;
    },
  };
}

/** Nothing but its tables stands behind private memory of no file. */
function whichPages({ inode, name }: HostMapping): WhichPages {
  return inode === 0 && !isSpecial(name) ? 'touched' : 'all';
}

/** The notes in the kernel's order, without those that /proc does not tell: floating point, siginfo. */
function hostNotes(description: HostDescription): Uint8Array[] {
  const { process, pgrp, sid, threads, auxv, cmdline, mappings } = description;
  const numbers = { ppid: process.ppid, pgrp, sid };
  const [first, ...others] = threads.map(({ tid, regs }) =>
    encodePrstatus({
      ...{ ...numbers, tid, signal: 0, pending: 0n, blocked: 0n, hasFpregs: false },
      regs: regs ?? new Uint8Array(REGS_SIZE),
    }),
  );
  const info = encodePrpsinfo({
    ...{ ...process, ...numbers, flags: 0 },
    state: threads[0]?.state ?? 'R',
    comm: Uint8Array.from(process.comm, (character) => character.charCodeAt(0)),
    args: cmdline,
  });
  const rows = mappings
    .filter(({ inode }) => inode !== 0)
    .map(({ start, end, offset, name }) => {
      const path = Uint8Array.from(name, (character) => character.charCodeAt(0));
      return { start, end, pgoff: offset / PAGE, path };
    });
  return [
    ...(first === undefined ? [] : [first]),
    info,
    encodeNote('CORE', NT_SIGINFO, new Uint8Array(128)),
    encodeNote('CORE', NT_AUXV, auxv),
    encodeFiles(rows),
    ...others,
  ];
}

function segment(reader: HostPageReader, mapping: HostMapping, filesz: number): CoreSegment {
  const { start, end, perms, name } = mapping;
  const readable = perms[0] === 'r' ? PF_R : 0;
  const writable = perms[1] === 'w' ? PF_W : 0;
  const executable = perms[2] === 'x' ? PF_X : 0;
  return {
    vaddr: BigInt(start),
    memsz: end - start,
    filesz,
    flags: readable | writable | executable,
    *contents(from, to) {
      if (filesz === 0 || isDevice(name)) return;
      for (const { addr, bytes } of reader.read(start + from, start + to, whichPages(mapping))) {
        yield { offset: addr - start, bytes };
      }
    },
  };
}

/** Of a mapping that came after the look at its neighbours. */
const NO_SIZES: HostSizes = { rss: 0, anonymous: 0, flags: [] };

function dumpSize(
  process: HostProcess,
  { anonymous, flags }: HostSizes = NO_SIZES,
  mapping: HostMapping,
  filter: number,
): number {
  const { start, end, perms, offset, inode, name } = mapping;
  const whole = end - start;
  const bit = (mask: number): number => ((filter & mask) !== 0 ? whole : 0);
  const shared = perms[3] === 's';
  if (isSpecial(name)) return whole;
  if (flags.includes('dd')) return 0;
  if (flags.includes('ht')) return bit(shared ? HUGETLB_SHARED : HUGETLB_PRIVATE);
  if (flags.includes('io')) return 0;
  if (shared) return bit(isUnlinked(mapping) ? ANON_SHARED : MAPPED_SHARED);
  if ((filter & ANON_PRIVATE) !== 0 && anonymous > 0) return whole;
  if (inode === 0) return 0;
  if ((filter & MAPPED_PRIVATE) !== 0) return whole;
  const first = (filter & ELF_HEADERS) !== 0 && offset === 0 && perms[0] === 'r';
  return first && mayBeElf(process, mapping) ? PAGE : 0;
}

function isUnlinked(mapping: HostMapping): boolean {
  return !isHostFile(mapping) || mapping.name.endsWith(' (deleted)');
}

/** An executable by its mode, or a library by its first bytes. */
function mayBeElf(process: HostProcess, { start, end, name }: HostMapping): boolean {
  const range = `${start.toString(16)}-${end.toString(16)}`;
  // The first leads to removed files too, and takes privileges.
  for (const path of [`map_files/${range}`, `root${name}`]) {
    try {
      return (
        (statSync(`/proc/${process.pid}/${path}`).mode & 0o111) !== 0 || hasMagic(process, start)
      );
    } catch {
      continue;
    }
  }
  return hasMagic(process, start);
}

function hasMagic(process: HostProcess, start: number): boolean {
  const magic = new Uint8Array(4);
  return process.memory.read(start, magic) === 4 && hasElfMagic(magic);
}

/** Mappings of the kernel's own that have names (always_dump_vma()). */
function isSpecial(name: string): boolean {
  return name === '[vdso]' || isDevice(name);
}

/** Named by the kernel, and read by nobody but the process. */
function isDevice(name: string): boolean {
  return name.startsWith('[vvar');
}
