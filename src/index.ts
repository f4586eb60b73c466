// The public surface. Everything here loads in a browser as it does in Node.
export { Machine } from './machine.js';
export type { MachineOptions, MachineStats, SpawnTaskOptions } from './api/machine-options.js';

export { Task, type WaitStatus } from './api/task.js';
export { Cpu, type CpuStop } from './api/cpu.js';
export type {
  InjectedCall,
  InjectedExec,
  Injection,
  InjectionEntry,
  InjectionOptions,
} from './api/injection.js';
export type { InjectionTimes } from './api/injection-times.js';
export { coreImports } from './api/core-imports.js';
export type { CoreImportObject, CoreImports } from './api/core-imports.js';
export { interleave, interleavings } from './api/interleave.js';
export type { Race, RaceActor, RaceRun, Schedule } from './api/interleave.js';
export { OpenFile } from './api/open-file.js';
export type { ProfileOptions } from './api/profile-option.js';
export { PageFault } from './api/page-fault.js';
export { Userfaultfd } from './api/userfaultfd.js';
export type {
  FillOptions,
  MoveOptions,
  UserfaultEvent,
  UserfaultfdOptions,
  UserfaultListener,
} from './api/userfaultfd.js';
export { Watch } from './api/task-hooks.js';
export type { DeviceOptions, WatchEvent, WatchOn, WatchOptions } from './api/task-hooks.js';
export type { DeviceAccessSize } from './mm/device.js';
export type { AccessPath, WatchKind } from './mm/watch.js';
export type { FileStat } from './vfs/file-stat.js';
export type { OpenMode } from './api/task-files.js';
export type { TaskIds } from './api/task-identity.js';
export type { MmapOptions, ReadableRange } from './api/task-memory.js';
export type { PageWalk, PageWalkLevel, WalkedPage } from './mm/page-walk.js';
export type { ReadPath } from './mm/readable.js';

// Programs of RISC-V Linux.
export { Console, type ConsoleOptions } from './guest/console.js';
export { Guest } from './guest/guest.js';
export type {
  GuestCall,
  GuestOptions,
  GuestSignal,
  GuestState,
  GuestStream,
  StartOptions,
} from './guest/guest-options.js';
export { Strace } from './guest/strace.js';
export { StraceSummary } from './guest/strace-summary.js';
export { VirtualClock } from './kernel/virtual-clock.js';

// Cores, stack traces and symbols.
export { coreSignal, readCore, type Core, type CoreSignal } from './elf/core.js';
export type { CoreMapping } from './elf/core-mappings.js';
export { CoreMemory } from './elf/core-memory.js';
export type { CoreProcess, CoreThread } from './elf/core-notes.js';
export { ElfError } from './elf/error.js';
export type { OpenFile as OpenCoreFile } from './elf/core-files.js';
export type { ProcessAreas } from './elf/process-areas.js';
export { BytesSource } from './elf/source.js';
export type { ByteSource } from './elf/source.js';
export type { DumpCoreOptions } from './api/dump-core.js';
export { CoreFile } from './elf/core-writer.js';
export type { CoreChunk, CoreImage, CoreSegment } from './elf/core-writer.js';
export type { LoadCoreOptions, LoadedProcess } from './api/load-core.js';
export { MachineTarget } from './api/machine-target.js';
export type { MachineTargetOptions } from './api/machine-target.js';
export { GdbSession } from './gdb/session.js';
export type { SessionOutput } from './gdb/session.js';
export type {
  RegisterBlock,
  Target,
  TargetArch,
  TargetFile,
  TargetFiles,
  TargetProcess,
  TargetRegion,
  TargetRun,
  TargetThread,
  TargetWatch,
  TargetWatchKind,
} from './gdb/target.js';
export { demangle } from './unwind/demangle.js';
export { FunctionNames } from './unwind/function-names.js';
export type { NameSource } from './unwind/function-names.js';
export { unwindMachineOf } from './unwind/machines.js';
export type { UnwindMachine } from './unwind/machines.js';
export { parseMaps } from './unwind/maps.js';
export type { MapsLine } from './unwind/maps.js';
export type { ReadMemory } from './unwind/memory.js';
export { registersFromUser } from './unwind/registers.js';
export type { Registers } from './unwind/registers.js';
export { symbolize } from './unwind/symbolize.js';
export type { OpenedFile, OpenPath } from './unwind/symbolize.js';
export { unwind } from './unwind/unwind.js';
export type { StackFrame, StackTrace, UnwindSource } from './unwind/unwind.js';

// The bytes of names, which are strings here.
export { decodeName, encodeName } from './mm/name-bytes.js';

export { Checkpoint } from './snapshot/checkpoint.js';
export { SnapshotError, type SnapshotErrorCode } from './snapshot/error.js';
export type { RestoreOptions } from './snapshot/restore.js';

export { LinuxError, errnoName, errnoText, type ErrnoName } from './errno.js';

export { implementedSyscalls } from './api/syscalls.js';
export type { SyscallArch, SyscallName } from './syscall/dispatch.js';
export { NR_GENERIC } from './syscall/table-generic.js';
export { NR_X86_64 } from './syscall/table-x86-64.js';

export { parseTrace, TraceError } from './trace/parse.js';
export { replayOnEither, replayTrace } from './trace/replay.js';
export type { MakeMachine, Mismatch, ReplayResult } from './trace/replay.js';
export type { Trace, TraceHeader, TraceStep } from './trace/trace.js';

export type { AccessCheck, AccessOutcome, AccessReport } from './kernel/access-report.js';
export type { AccessExplanation, AccessQuestion } from './kernel/explain.js';
export { PROFILES } from './kernel/named-profiles.js';
export type { ProfileName } from './kernel/named-profiles.js';
export type { ForceOverride, KernelProfile } from './kernel/profile.js';
export type { GuardRegions, MmRules, ThpAlignment } from './mm/limits.js';
export { credSecurity, setCredSecurity } from './kernel/cred.js';
export { NOT_MINE } from './kernel/security.js';
export type { CapSets, SecurityModule } from './kernel/security.js';
export type { TaskStruct } from './kernel/task.js';
export type {
  HostDirectory,
  HostFile,
  HostOwner,
  HostStat,
  WritableHostDirectory,
} from './vfs/host-directory.js';

// Linux's constants, by their names.
export * from './constants.js';
