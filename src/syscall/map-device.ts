import { MAP_FIXED_NOREPLACE, MAP_SHARED } from '../../assembly/abi/mman.js';
import { mmLimits } from '../kernel/mm-limits.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Device } from '../mm/device.js';
import { mmap } from '../mm/mmap.js';
import { deviceFile } from '../vfs/device-file.js';
import { fsOf } from '../vfs/fs-struct.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm } from './args.js';

/** Where a device is mapped, and what it is called. */
export interface MapDeviceArgs {
  /** null: the kernel chooses. */
  readonly addr: U64 | null;
  /** PROT_* bits. */
  readonly prot: number;
  /** Its name below /dev. */
  readonly name: string;
  readonly device: Device;
}

/**
 * Maps a device for a task, as its driver's mmap would; returns the address. The mapping is an ordinary
 * one: munmap takes it away, mprotect and fork do with it what they do with a driver's.
 * @throws {LinuxError} EINVAL: an address that is not a page's; EEXIST: something is mapped there; ENOMEM;
 * EPERM: below vm.mmap_min_addr
 */
export function mapDevice(task: TaskStruct, args: MapDeviceArgs): number {
  const { addr, prot, name, device } = args;
  const request = {
    addr: addr ?? 0,
    length: device.length,
    prot,
    flags: MAP_SHARED | (addr === null ? 0 : MAP_FIXED_NOREPLACE),
    offset: 0,
    mapFile: () => {
      const file = deviceFile(fsOf(task).vfs, task.cred, name, device);
      return { file, fileWritable: true, mayWrite: true, mayExec: true };
    },
  };
  return mmap(currentMm(task), request, mmLimits(task));
}
