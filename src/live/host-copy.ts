import type { CoreMapping, MappingPiece } from '../elf/core-mappings.js';
import type { Core } from '../elf/core.js';
import { EM_X86_64 } from '../elf/format.js';
import { elfMachine, type ElfMachine } from '../elf/machines.js';
import type { ProcessAreas } from '../elf/process-areas.js';
import type { ByteSource } from '../elf/source.js';
import type { HostMapping } from './host-maps.js';
import { type HostBatch, HostPageReader, type HostRange } from './host-pages.js';
import type { HostDescription, HostProcess } from './host-process.js';

/** A process of this computer as machine.loadCore() takes it, its pages where they were written to. */
export interface HostCopy {
  readonly core: Core;
  readonly areas: ProcessAreas;
}

/** Memory that is read for one mapping. */
interface MappedRange extends HostRange {
  readonly mapping: HostMapping;
}

const REGS_SIZE = 216;

/**
 * Copies every page of a process that is in memory or swapped out, in one pass from its first address to
 * its last; the process that comes out finds each at its place among the bytes of the batches.
 */
export class ProcessCopy {
  readonly #description: HostDescription;
  readonly #reader: HostPageReader;
  readonly #pieces = new Map<HostMapping, MappingPiece[]>();
  #bytes = 0;

  constructor(process: HostProcess, description: HostDescription) {
    this.#description = description;
    this.#reader = new HostPageReader(process);
  }

  /** Bytes of the batches so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Pages that could not be read. */
  get unreadable(): number {
    return this.#reader.unreadable;
  }

  /**
   * The memory, once.
   *
   * @param take gives a buffer that nobody needs any more
   * @throws {ProcError} the process ended
   */
  async *batches(take: () => Promise<Uint8Array>): AsyncGenerator<HostBatch<MappedRange>> {
    for await (const batch of this.#reader.batches(this.#ranges(), take)) {
      for (const { range, addr, at, length } of batch.pieces) {
        const pieces = this.#pieces.get(range.mapping) ?? [];
        this.#pieces.set(range.mapping, pieces);
        addPiece(pieces, { start: addr - range.mapping.start, offset: this.#bytes + at, length });
      }
      this.#bytes += batch.bytes.length;
      yield batch;
    }
  }

  *#ranges(): Generator<MappedRange> {
    for (const mapping of this.#description.mappings) {
      const { start, end, name } = mapping;
      if (name.startsWith('[vvar')) continue;
      // No table tells which pages of the vDSO there are: all.
      const which = name === '[vdso]' ? 'all' : 'touched';
      for (const range of this.#reader.ranges(start, end, which)) yield { ...range, mapping };
    }
  }

  /**
   * The process, once its memory was copied.
   *
   * @param source where the bytes of the batches can be read later; not asked for any here
   */
  process(source: ByteSource): HostCopy {
    const mappings = this.#description.mappings.map((mapping) =>
      asCoreMapping(mapping, this.#pieces.get(mapping) ?? []),
    );
    const areas = areasOf(this.#description, mappings);
    return { core: asCore(this.#description, source, mappings), areas };
  }
}

function addPiece(pieces: MappingPiece[], piece: MappingPiece): void {
  const last = pieces.at(-1);
  if (last === undefined || last.start + last.length !== piece.start) pieces.push(piece);
  else pieces[pieces.length - 1] = { ...last, length: last.length + piece.length };
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
