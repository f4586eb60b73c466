import {
  SPECIAL_VDSO,
  SPECIAL_VVAR,
  SPECIAL_VVAR_VCLOCK,
  VM_DONTEXPAND,
} from '../../assembly/abi/vma.js';
import { checked } from '../errno.js';
import { dropVmFile, takeVmFile, type MapFile } from './map-file.js';
import type { Mm } from './mm.js';

/**
 * Names of mappings that belong to no file but have one in /proc/PID/maps, by the id that the core keeps
 * in the VMA.
 */
export const SPECIAL_NAMES: ReadonlyMap<number, string> = new Map([
  [SPECIAL_VDSO, '[vdso]'],
  [SPECIAL_VVAR, '[vvar]'],
  [SPECIAL_VVAR_VCLOCK, '[vvar_vclock]'],
]);

/** Where a special mapping goes, and what it allows. */
export interface SpecialMapping {
  readonly start: number;
  readonly end: number;
  /** VM_*; VM_DONTEXPAND comes on its own. */
  readonly flags: number;
}

/**
 * Maps what the kernel itself gives a process, which never merges and cannot be cut. Limits do not count.
 * @param name SPECIAL_*
 * @param file whose pages it shows; without one it is the core's to know what is there
 * @throws {LinuxError} ENOMEM: no room
 * @see mm/mmap.c, _install_special_mapping()
 */
export function installSpecialMapping(
  mm: Mm,
  { start, end, flags }: SpecialMapping,
  name: number,
  file: MapFile | null = null,
): void {
  const vmFile = file === null ? 0 : takeVmFile(mm.core, file);
  const bits = flags | VM_DONTEXPAND;
  const error = mm.core.exports.mapRegion(mm.ptr, start, end, bits, vmFile, 0, name, 0x7fffffff);
  if (error < 0 && vmFile !== 0) dropVmFile(mm.core, vmFile);
  checked(error);
}
