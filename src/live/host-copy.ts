import type { CoreMapping, MappingPiece } from '../elf/core-mappings.js';
import type { Core } from '../elf/core.js';
import { EM_X86_64 } from '../elf/format.js';
import { elfMachine, type ElfMachine } from '../elf/machines.js';
import type { ProcessAreas } from '../elf/process-areas.js';
import type { ByteSource } from '../elf/source.js';
import { CopyPlan } from './copy-plan.js';
import type { HostMapping } from './host-maps.js';
import { HostPageReader, type HostRange } from './host-pages.js';
import type { HostDescription, HostProcess } from './host-process.js';

/** A process of this computer as machine.loadCore() takes it, its pages where they were written to. */
export interface HostCopy {
  readonly core: Core;
  readonly areas: ProcessAreas;
}

const REGS_SIZE = 216;

/**
 * A copy of every page of a process that is in memory or swapped out, from its first address to its last; the
 * process that comes out finds each at its place among these bytes.
 */
export class ProcessCopy {
  readonly #description: HostDescription;
  readonly #reader: HostPageReader;
  readonly #pieces = new Map<HostMapping, MappingPiece[]>();

  constructor(process: HostProcess, description: HostDescription) {
    this.#description = description;
    this.#reader = new HostPageReader(process);
  }

  /**
   * Which memory is to be copied, once.
   *
   * @param offset of the first byte in the file; the others follow
   * @throws {ProcError} the process ended
   */
  plan(jobBytes: number, offset: number): CopyPlan {
    const plan = new CopyPlan(jobBytes);
    for (const mapping of this.#description.mappings) {
      const { start, end, name } = mapping;
      if (name.startsWith('[vvar')) continue;
      // No table tells which pages of the vDSO there are: all.
      const which = name === '[vdso]' ? 'all' : 'touched';
      const pieces: MappingPiece[] = [];
      for (const range of this.#reader.ranges(start, end, which)) {
        const length = range.end - range.start;
        pieces.push({ start: range.start - start, offset: plan.bytes, length });
        plan.add(range.start, length, offset + plan.bytes);
      }
      if (pieces.length > 0) this.#pieces.set(mapping, pieces);
    }
    return plan;
  }

  /**
   * The process, once its memory was copied.
   *
   * @param source where the bytes can be read later; not asked for any here
   * @param lost pages that could not be
   */
  process(source: ByteSource, lost: readonly HostRange[]): HostCopy {
    const gaps = [...lost].sort((a, b) => a.start - b.start);
    const mappings = this.#description.mappings.map((mapping) => {
      const pieces = this.#pieces.get(mapping) ?? [];
      return asCoreMapping(mapping, withoutGaps(mapping, pieces, gaps));
    });
    const areas = areasOf(this.#description, mappings);
    return { core: asCore(this.#description, source, mappings), areas };
  }
}

/** The pieces of a mapping without the ranges, which are in rising order. */
function withoutGaps(
  mapping: HostMapping,
  pieces: readonly MappingPiece[],
  gaps: readonly HostRange[],
): readonly MappingPiece[] {
  const own = gaps.filter(({ start, end }) => start < mapping.end && mapping.start < end);
  if (own.length === 0) return pieces;
  return pieces.flatMap((piece) => {
    const left: MappingPiece[] = [];
    const [shift, end] = [piece.offset - piece.start, piece.start + piece.length];
    let at = piece.start;
    const keepTo = (to: number): void => {
      if (at < to) left.push({ start: at, offset: at + shift, length: to - at });
    };
    for (const gap of own) {
      const [from, to] = [gap.start - mapping.start, gap.end - mapping.start];
      if (to <= at || from >= end) continue;
      keepTo(from);
      at = to;
    }
    keepTo(end);
    return left;
  });
}

function asCoreMapping(mapping: HostMapping, pieces: readonly MappingPiece[]): CoreMapping {
  const { start, end, perms, inode, name, offset } = mapping;
  const file = inode === 0 ? null : { path: textOf(name), offset };
  const place = { dumped: 0, offset: 0, pieces, at: 0 };
  return { start, end, perms: perms.slice(0, 3), shared: perms[3] === 's', file, ...place };
}

/** Text of a name that has one character a byte. */
function textOf(name: string): string {
  return new TextDecoder().decode(Uint8Array.from(name, (byte) => byte.charCodeAt(0)));
}

function asCore(
  { process, threads, auxv }: HostDescription,
  source: ByteSource,
  mappings: readonly CoreMapping[],
): Core {
  return {
    source,
    machine: elfMachine(EM_X86_64) as ElfMachine,
    process,
    threads: threads.map(({ tid, regs }) => ({
      ...{ tid, signal: 0, fpregs: null, xstate: null, siginfo: null },
      regs: regs ?? new Uint8Array(REGS_SIZE),
    })),
    auxv,
    mappings,
  };
}

/** What a core does not say and /proc does: the names of mappings, and the fields of stat. */
function areasOf(description: HostDescription, mappings: readonly CoreMapping[]): ProcessAreas {
  const { places } = description;
  const named = (name: string): CoreMapping[] =>
    mappings.filter((_, i) => description.mappings[i]?.name.startsWith(name));
  const program = mappings.find(({ start, end }) => {
    return start <= places.startCode && places.startCode < end;
  });
  const hasArguments = places.argStart !== 0;
  return {
    executable: program?.file?.path ?? null,
    code: { start: places.startCode, end: places.endCode },
    data: { start: places.startData, end: places.endData },
    heap: named('[heap]')[0] ?? null,
    stack: named('[stack]')[0] ?? null,
    vdso: named('[vdso]')[0] ?? null,
    vvar: named('[vvar'),
    initial: hasArguments ? places : null,
  };
}
