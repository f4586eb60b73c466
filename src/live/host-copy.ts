import type { CoreMapping, MappingPiece } from '../elf/core-mappings.js';
import type { Core } from '../elf/core.js';
import { EM_X86_64 } from '../elf/format.js';
import { elfMachine, type ElfMachine } from '../elf/machines.js';
import type { ProcessAreas } from '../elf/process-areas.js';
import type { ByteSource } from '../elf/source.js';
import type { HostMapping } from './host-maps.js';
import { HostPageReader } from './host-pages.js';
import type { HostDescription, HostProcess } from './host-process.js';

/** A process of this computer as machine.loadCore() takes it, its pages where they were written to. */
export interface HostCopy {
  readonly core: Core;
  readonly areas: ProcessAreas;
  /** Bytes written, and pages that could not be read. */
  readonly bytes: number;
  readonly unreadable: number;
}

const REGS_SIZE = 216;

/**
 * Copies every page of a process that is in memory or swapped out, in one pass from its first address to
 * its last: each chunk goes to `write`, and the process that comes out finds it at its place among the
 * bytes written. Gives way after each chunk.
 *
 * @param source where the bytes written can be read later; not asked for any here
 * @param write takes bytes that are overwritten afterwards
 * @throws {ProcError} the process ended
 */
export function* copyProcess(
  process: HostProcess,
  description: HostDescription,
  source: ByteSource,
  write: (bytes: Uint8Array) => void,
): Generator<number, HostCopy, void> {
  const reader = new HostPageReader(process);
  const mappings: CoreMapping[] = [];
  let offset = 0;
  for (const mapping of description.mappings) {
    const pieces: MappingPiece[] = [];
    if (!mapping.name.startsWith('[vvar')) {
      // No table tells which pages of the vDSO there are: all.
      const which = mapping.name === '[vdso]' ? 'all' : 'touched';
      for (const { addr, bytes } of reader.read(mapping.start, mapping.end, which)) {
        addPiece(pieces, { start: addr - mapping.start, offset, length: bytes.length });
        write(bytes);
        offset += bytes.length;
        yield bytes.length;
      }
    }
    mappings.push(asCoreMapping(mapping, pieces));
  }
  const core = asCore(description, source, mappings);
  const areas = areasOf(description, mappings);
  return { core, areas, bytes: offset, unreadable: reader.unreadable };
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
