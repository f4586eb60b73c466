import { ENOMEM } from '../../assembly/abi/errno.js';
import { VM_FILE_ID } from '../../assembly/abi/layout.js';
import { fail } from '../errno.js';
import type { Core, Ptr } from '../wasm/core.js';
import type { PageCache } from './page-cache.js';
import { SideTable } from '../side-table.js';

/** What a mapping holds of an open file: vm_file of a VMA. */
export interface MapFile {
  /** Its page cache; null when mappings of it are anonymous memory (/dev/zero). */
  readonly mapping: PageCache | null;
  /** VM_* bits that mappings of this file have besides the usual ones, such as VM_IO. */
  readonly vmFlags: number;
  /** It has an fsync(). */
  readonly syncs: boolean;
  /**
   * Makes a hole of the bytes [start, end): MADV_REMOVE.
   * @throws {LinuxError} EPERM: a seal; EOPNOTSUPP: no file of memory
   */
  punchHole(start: number, end: number): void;
  /** Whether its mappings are placed so that huge pages of it would fit; absent: they are not. */
  placesHuge?(shared: boolean): boolean;
  /** Takes a reference for the mappings. */
  get(): void;
  /** Gives it back, when the last mapping of the file is gone. */
  put(): void;
}

/** The mapped files of one core, by the id in the core's VmFile, and that object by the file. */
interface FileTable {
  readonly byId: Map<number, MapFile>;
  readonly places: Map<MapFile, Ptr<'file'>>;
}

const tables = new SideTable<Core, FileTable>('mapped files', 'Core');

function tableOf(core: Core): FileTable {
  let table = tables.get(core);
  if (table === undefined) {
    table = { byId: new Map(), places: new Map() };
    tables.set(core, table);
  }
  return table;
}

/** The open file behind a VMA. */
export function fileOf(core: Core, file: Ptr<'file'>): MapFile | null {
  return tableOf(core).byId.get(core.readU32(file + VM_FILE_ID)) ?? null;
}

/**
 * The core's object for a file, with a reference for one more VMA. All mappings of one open file share
 * it, since only they merge (K-512); it holds one reference to the file.
 * @throws {LinuxError} ENOMEM: no room
 */
export function takeVmFile(core: Core, file: MapFile): Ptr<'file'> {
  const table = tableOf(core);
  const known = table.places.get(file);
  if (known !== undefined) {
    core.exports.fileGet(known);
    return known;
  }
  const id = core.nextId();
  const place = core.exports.fileNew(file.mapping?.ptr ?? 0, id) as Ptr<'file'>;
  if (place === 0) fail(ENOMEM);
  table.byId.set(id, file);
  table.places.set(file, place);
  file.get();
  return place;
}

/** Gives up a reference that takeVmFile() gave. */
export function dropVmFile(core: Core, file: Ptr<'file'>): void {
  core.exports.filePut(file);
  putReleasedFiles(core);
}

/** Puts the files that lost their last VMA: after anything that may unmap. */
export function putReleasedFiles(core: Core): void {
  let id = core.exports.takeReleasedFile();
  if (id === 0) return;
  const { byId, places } = tableOf(core);
  while (id !== 0) {
    const file = byId.get(id);
    byId.delete(id);
    if (file !== undefined) {
      places.delete(file);
      file.put();
    }
    id = core.exports.takeReleasedFile();
  }
}
