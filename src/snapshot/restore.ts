import type { ByteSource } from '../elf/source.js';
import { Kernel } from '../kernel/kernel.js';
import { capabilityModule } from '../kernel/lsm/capability.js';
import { landlockModule } from '../kernel/lsm/landlock.js';
import { hostRandom } from '../kernel/random.js';
import type { SecurityModule } from '../kernel/security.js';
import { Jit } from '../jit/jit.js';
import { checkMemory } from '../mm/check.js';
import { checksumRuns } from '../mm/checksum.js';
import { adoptFrames, countFrames, type FrameImage, parseFrames, splitRuns } from '../mm/image.js';
import type { HostDirectory } from '../vfs/host-directory.js';
import { keepSalts } from '../mm/registry.js';
import { Vfs } from '../vfs/vfs.js';
import { Core } from '../wasm/core.js';
import type { WasmSource } from '../wasm/module.js';
import * as container from './container.js';
import { decodeGraph, type ResolveExternal } from './decode.js';
import { SnapshotError } from './error.js';
import { attachConsoles, type GivenConsoles } from './consoles.js';
import { isConsole, isStore, type SnapshotMeta } from './state.js';
import { StoreSource } from './store.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';

/** What a machine that comes out of a snapshot needs from outside. */
export interface RestoreOptions {
  /** Most bytes of memory (default: as before). */
  readonly memory?: number;
  /** The wasm module, as in MachineOptions. */
  readonly wasm?: WasmSource;
  /** Whether code that runs often is compiled, as in MachineOptions. */
  readonly jit?: boolean;
  /** The clock (default: the host's); the machine's own time goes on where it stood. */
  readonly now?: () => number;
  /** The source of random bytes, as in MachineOptions. */
  readonly random?: (bytes: Uint8Array) => void;
  /** The directories that were mounted, by the path where; or a function that gives that of a path, or null. */
  readonly hosts?:
    Readonly<Record<string, HostDirectory>> | ((path: string) => HostDirectory | null);
  /**
   * Consoles for the standard streams of programs, by the names `stdin`, `stdout` and `stderr`, and `tty` for a
   * terminal; or a function that gives that of a name, or null. What gets none is hung up.
   */
  readonly consoles?: GivenConsoles;
  /** The sources from which pages are loaded (cores, and files beside them), by their names. */
  readonly sources?: Readonly<Record<string, ByteSource>>;
  /** Security modules that are not this library's. */
  readonly security?: readonly SecurityModule[];
}

/**
 * Makes the kernel and the files that a snapshot holds.
 *
 * @param whole whether all of the store is checked now, rather than when it is needed
 * @throws {SnapshotError} each code
 */
export async function restoreSnapshot(
  source: ByteSource,
  options: RestoreOptions,
  whole: boolean,
): Promise<{ kernel: Kernel; vfs: Vfs }> {
  const machine = await readMachine(source, options, whole);
  attachConsoles(machine.kernel, machine.vfs, options.consoles);
  return machine;
}

async function readMachine(
  source: ByteSource,
  options: RestoreOptions,
  whole: boolean,
): Promise<{ kernel: Kernel; vfs: Vfs }> {
  const wasm = options.wasm === undefined ? {} : { wasm: options.wasm };
  // The checksum is the core's: a small one looks at the header first.
  const header = container.readHeader(await Core.create({ ...wasm, memory: 2 ** 21 }), source);
  const limit = options.memory ?? header.memoryLimit;
  const core = await Core.create({ ...wasm, memory: checkedLimit(limit, header) });
  if (core.exports.growFramesTo(header.framesEnd) !== 0) {
    throw new RangeError(`memory: the machine needs ${header.framesEnd} bytes`);
  }
  const sections = container.readTable(core, source);
  const image = readFrames(core, source, sections, header.framesEnd);
  const state = onlySection(sections, container.SECTION_STATE);
  const bytes = container.readSection(core, source, state);
  const store = new StoreSource(core, source, sections);
  if (whole) store.verify();
  try {
    const roots = decodeGraph(bytes, state.offset, { Core: core }, resolver(options, store));
    adoptFrames(core, image);
    keepSalts(core);
    const machine = assemble(roots, options, state.offset);
    if (options.jit !== false) core.compiler = new Jit(core);
    const problems = checkMemory(core);
    if (problems.length === 0) return machine;
    throw new SnapshotError('CORRUPT', `the memory is in disorder: ${problems[0]}`, state.offset);
  } catch (error) {
    if (error instanceof SnapshotError) throw error;
    // A forged one can have anything in any field: the first use of it finds out.
    throw new SnapshotError('CORRUPT', `no state of a machine: ${String(error)}`, state.offset);
  }
}

function checkedLimit(limit: number, { framesEnd }: container.SnapshotHeader): number {
  const sane = Number.isInteger(limit) && limit >= 2 ** 21 && limit <= 2 ** 32;
  if (!sane || !Number.isInteger(framesEnd) || framesEnd < 0 || framesEnd % PAGE_SIZE !== 0) {
    throw new SnapshotError('CORRUPT', `a machine of ${limit} bytes of memory`, 24);
  }
  if (framesEnd > limit) {
    throw new RangeError(`memory: the machine needs ${framesEnd} bytes, not ${limit}`);
  }
  return limit;
}

function onlySection(sections: readonly container.Section[], kind: number): container.Section {
  const found = sections.filter((section) => section.kind === kind);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  throw new SnapshotError('CORRUPT', `${found.length} sections of kind ${kind}`, PAGE_SIZE);
}

/** Copies all frames to their places; nothing uses them yet. */
function readFrames(
  core: Core,
  source: ByteSource,
  sections: readonly container.Section[],
  end: number,
): FrameImage {
  const table = onlySection(sections, container.SECTION_FRAME_TABLE);
  const image = parseFrames(container.readSection(core, source, table), end);
  if (image === null) throw new SnapshotError('CORRUPT', 'no table of frames', table.offset);
  const parts = sections.filter(({ kind }) => kind === container.SECTION_FRAMES);
  const chunks = splitRuns(image.runs);
  if (parts.length !== chunks.length) {
    throw new SnapshotError(
      'CORRUPT',
      `${parts.length} parts of memory of ${chunks.length}`,
      table.offset,
    );
  }
  for (const [i, chunk] of chunks.entries()) {
    const { offset, length, checksum } = parts[i] as container.Section;
    if (length !== countFrames(chunk) * PAGE_SIZE) {
      throw new SnapshotError('CORRUPT', 'a part of memory of another length', offset);
    }
    let at = offset;
    for (const [start, to] of chunk) {
      core.u8.set(container.readExactly(source, at, to - start), start);
      at += to - start;
    }
    if (checksumRuns(core, chunk) !== checksum) {
      throw new SnapshotError('CORRUPT', 'the memory here is not as it was written', offset);
    }
  }
  return image;
}

function resolver(options: RestoreOptions, store: StoreSource): ResolveExternal {
  return (name) => {
    if (name === 'now') return options.now ?? Date.now;
    if (name === 'random') return options.random ?? hostRandom;
    // Of a userfaultfd: whoever restores it says anew who resolves faults.
    if (name === 'handler') return null;
    // Set when everything is there: a console needs its stream.
    if (isConsole(name)) return null;
    if (isStore(name)) return store;
    const [kind = ''] = name.split(':', 1);
    const key = name.slice(kind.length + 1);
    if (kind === 'host') return given(options.hosts, 'hosts', key);
    if (kind === 'source') return given(options.sources, 'sources', key);
    throw new SnapshotError('CORRUPT', `'${name}' is nothing that a machine needs`);
  };
}

type Given<T> = Readonly<Record<string, T>> | ((key: string) => T | null) | undefined;

function given<T>(all: Given<T>, option: string, key: string): T {
  const found =
    typeof all === 'function' ? all(key) : all && Object.hasOwn(all, key) ? all[key] : null;
  if (found !== null && found !== undefined) return found;
  throw new SnapshotError('MISSING', `the machine needs '${key}': give it in options.${option}`);
}

function assemble(
  roots: ReadonlyMap<string, unknown>,
  options: RestoreOptions,
  offset: number,
): { kernel: Kernel; vfs: Vfs } {
  const kernel = roots.get('kernel');
  const vfs = roots.get('vfs');
  const meta = roots.get('meta') as SnapshotMeta | undefined;
  if (!(kernel instanceof Kernel) || !(vfs instanceof Vfs) || !Array.isArray(meta?.modules)) {
    throw new SnapshotError('CORRUPT', 'there is no machine in the state', offset);
  }
  const own = [capabilityModule, landlockModule];
  const modules = meta.modules.map((name): SecurityModule => {
    const found = own.find((each) => each.name === name) ?? roots.get(name);
    const module = found ?? options.security?.find((each) => each.name === name);
    if (module !== undefined) return module as SecurityModule;
    throw new SnapshotError('MISSING', `the machine needs '${name}': give it in options.security`);
  });
  kernel.security.replaceAll(modules);
  kernel.resetEntry();
  kernel.shiftClock(vfs.now() - meta.now);
  return { kernel, vfs };
}
