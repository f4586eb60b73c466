// `procmem/core`: memory without files, programs and tools, for pages that count kilobytes.
export { CoreMachine } from './api/core-machine.js';
export type { CoreMachineOptions, CoreSpawnOptions } from './api/core-machine.js';
export { CoreTask, type CoreMmapOptions } from './api/core-task.js';
export { MemFile } from './api/mem-file.js';
export { PageFault } from './api/page-fault.js';
export { LinuxError, type ErrnoName } from './errno.js';
