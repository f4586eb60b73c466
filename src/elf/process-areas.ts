import { auxvValue } from './auxv.js';
import type { CoreMapping } from './core-mappings.js';
import type { Core } from './core.js';
import { dumpedBytes } from './core.js';
import { AT_BASE, AT_ENTRY, AT_RANDOM, AT_SYSINFO_EHDR } from '../kernel/auxvec.js';
import type { InitialStack } from './initial-stack.js';
import { findInitialStack } from './initial-stack.js';

/**
 * What the kernel knows of a process's areas and a core does not say: found again from the
 * auxiliary vector, the initial stack and the places that execve() gives things.
 *
 * A field is 0 or null where nothing was found.
 */
export interface ProcessAreas {
  /** The file that AT_ENTRY lies in: the executable. */
  readonly executable: string | null;
  /** Addresses of the executable's first mapping with x, and of its first with w. */
  readonly code: { readonly start: number; readonly end: number };
  readonly data: { readonly start: number; readonly end: number };
  readonly heap: CoreMapping | null;
  readonly stack: CoreMapping | null;
  readonly vdso: CoreMapping | null;
  /** [vvar] and its like, next below the vDSO: device memory, whose bytes no core has. */
  readonly vvar: readonly CoreMapping[];
  /** Arguments and environment; null when the stack was not dumped or was overwritten. */
  readonly initial: InitialStack | null;
}

/** mm/mmap.c, arch_randomize_brk(): the heap begins at most this far behind the executable. */
const BRK_RANDOM = 0x40000000;
/** ELF_ET_DYN_BASE: a static PIE has its heap there, far from itself. */
const ET_DYN_BASE = 0x555555554000;

/** Finds the areas of the process that `core` describes. */
export function findProcessAreas(core: Core): ProcessAreas {
  const { mappings, auxv } = core;
  const at = (addr: bigint | null): CoreMapping | null =>
    mappings.find(({ start, end }) => addr !== null && start <= addr && addr < end) ?? null;
  const executable = at(auxvValue(auxv, AT_ENTRY))?.file?.path ?? null;
  const own = mappings.filter(({ file }) => file !== null && file.path === executable);
  const stack = at(auxvValue(auxv, AT_RANDOM)) ?? at(stackPointer(core));
  const vdso = at(auxvValue(auxv, AT_SYSINFO_EHDR));
  const anonymousVdso = vdso?.file === null ? vdso : null;
  return {
    executable,
    code: extent(own.filter(({ perms }) => perms?.[2] === 'x')),
    data: extent(own.filter(({ perms }) => perms?.[1] === 'w')),
    heap: findHeap(core, own, stack),
    stack,
    vdso: anonymousVdso,
    vvar: findVvar(mappings, auxvValue(auxv, AT_SYSINFO_EHDR)),
    initial: stack === null ? null : initialStack(core, stack),
  };
}

/** Where the leader's stack is, if it does not run a signal handler on another one. */
function stackPointer(core: Core): bigint | null {
  const leader = core.threads.find(({ tid }) => tid === core.process.pid) ?? core.threads[0];
  if (leader === undefined) return null;
  return new DataView(leader.regs.buffer, leader.regs.byteOffset).getBigUint64(
    core.machine.spOffset,
    true,
  );
}

function extent(mappings: readonly CoreMapping[]): { start: number; end: number } {
  const first = mappings[0];
  return first === undefined ? { start: 0, end: 0 } : { start: first.start, end: first.end };
}

/** The first anonymous writable memory where brk() begins; not the bss, which follows directly. */
function findHeap(
  core: Core,
  own: readonly CoreMapping[],
  stack: CoreMapping | null,
): CoreMapping | null {
  const end = own.at(-1)?.end;
  if (end === undefined) return null;
  const isStaticPie = auxvValue(core.auxv, AT_BASE) === 0n && end > ET_DYN_BASE + 2 * BRK_RANDOM;
  const from = isStaticPie ? ET_DYN_BASE : end;
  const bss = core.mappings.find(({ start, file }) => start === end && file === null);
  return (
    core.mappings.find(
      (mapping) =>
        mapping.file === null &&
        mapping.perms === 'rw-' &&
        mapping !== stack &&
        mapping !== bss &&
        mapping.start >= from &&
        mapping.start < from + 2 * BRK_RANDOM,
    ) ?? null
  );
}

/** Readable anonymous mappings without a gap up to the vDSO's address. */
function findVvar(mappings: readonly CoreMapping[], vdso: bigint | null): CoreMapping[] {
  const found: CoreMapping[] = [];
  let end = Number(vdso ?? 0n);
  for (const mapping of [...mappings].reverse()) {
    if (mapping.end !== end || mapping.file !== null || mapping.perms !== 'r--') continue;
    found.unshift(mapping);
    end = mapping.start;
  }
  return found;
}

function initialStack(core: Core, stack: CoreMapping): InitialStack | null {
  return findInitialStack(stack, core.auxv, (addr, length) => {
    const from = addr - stack.start;
    return from < 0 || from + length > stack.dumped ? null : dumpedBytes(core, stack, from, length);
  });
}
