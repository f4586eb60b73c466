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
export type { FileStat } from './api/file-stat.js';
export type { OpenMode } from './api/task-files.js';
export type { TaskIds } from './api/task-identity.js';
export type { MmapOptions, ReadableRange } from './api/task-memory.js';
export type { ReadPath } from './mm/readable.js';

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
  TargetStat,
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
export { NOT_MINE } from './kernel/security.js';
export type { CapSets, SecurityModule } from './kernel/security.js';
export type { TaskStruct } from './kernel/task.js';
export type { HostDirectory, HostStat } from './vfs/host-fs.js';

// Linux's constants, by their names.
export {
  MADV_COLD,
  MADV_COLLAPSE,
  MADV_DODUMP,
  MADV_DOFORK,
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_DONTNEED_LOCKED,
  MADV_FREE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
  MADV_HUGEPAGE,
  MADV_KEEPONFORK,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_NORMAL,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_RANDOM,
  MADV_REMOVE,
  MADV_SEQUENTIAL,
  MADV_UNMERGEABLE,
  MADV_WILLNEED,
  MADV_WIPEONFORK,
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_DROPPABLE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_SYNC,
  MAP_TYPE,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PROT_EXEC,
  PROT_GROWSDOWN,
  PROT_GROWSUP,
  PROT_NONE,
  PROT_READ,
  PROT_SEM,
  PROT_WRITE,
} from '../assembly/abi/mman.js';
export {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_REMOVEDIR,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  FD_CLOEXEC,
  F_ADD_SEALS,
  F_ALL_SEALS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GETFD,
  F_GETFL,
  F_GETPIPE_SZ,
  F_GET_SEALS,
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  F_SETFD,
  F_SETFL,
  F_SETPIPE_SZ,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RWF_APPEND,
  RWF_ATOMIC,
  RWF_DONTCACHE,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOAPPEND,
  RWF_NOWAIT,
  RWF_SYNC,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
} from './vfs/flags.js';
export {
  S_IALLUGO,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFDIR_RXUGO,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_IRWXUGO,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
  S_IXGRP,
  S_IXUGO,
} from './vfs/mode.js';
export {
  CAP_AUDIT_CONTROL,
  CAP_AUDIT_READ,
  CAP_AUDIT_WRITE,
  CAP_BLOCK_SUSPEND,
  CAP_BPF,
  CAP_CHECKPOINT_RESTORE,
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_EMPTY_SET,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_FULL_SET,
  CAP_IPC_LOCK,
  CAP_IPC_OWNER,
  CAP_KILL,
  CAP_LEASE,
  CAP_LINUX_IMMUTABLE,
  CAP_MAC_ADMIN,
  CAP_MAC_OVERRIDE,
  CAP_MKNOD,
  CAP_NET_ADMIN,
  CAP_NET_BIND_SERVICE,
  CAP_NET_BROADCAST,
  CAP_NET_RAW,
  CAP_PERFMON,
  CAP_SETFCAP,
  CAP_SETGID,
  CAP_SETPCAP,
  CAP_SETUID,
  CAP_SYSLOG,
  CAP_SYS_ADMIN,
  CAP_SYS_BOOT,
  CAP_SYS_CHROOT,
  CAP_SYS_MODULE,
  CAP_SYS_NICE,
  CAP_SYS_PACCT,
  CAP_SYS_PTRACE,
  CAP_SYS_RAWIO,
  CAP_SYS_RESOURCE,
  CAP_SYS_TIME,
  CAP_SYS_TTY_CONFIG,
  CAP_WAKE_ALARM,
  capMask,
} from './kernel/capability.js';
export { credSecurity, setCredSecurity } from './kernel/cred.js';
export {
  PTRACE_MODE_ATTACH,
  PTRACE_MODE_ATTACH_FSCREDS,
  PTRACE_MODE_ATTACH_REALCREDS,
  PTRACE_MODE_FSCREDS,
  PTRACE_MODE_NOAUDIT,
  PTRACE_MODE_READ,
  PTRACE_MODE_READ_FSCREDS,
  PTRACE_MODE_READ_REALCREDS,
  PTRACE_MODE_REALCREDS,
} from './kernel/ptrace.js';
export {
  PR_GET_CHILD_SUBREAPER,
  PR_GET_DUMPABLE,
  PR_GET_NAME,
  PR_GET_NO_NEW_PRIVS,
  PR_GET_PDEATHSIG,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_DUMPABLE,
  PR_SET_NAME,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
} from './kernel/prctl.js';
export {
  PR_CAPBSET_DROP,
  PR_CAPBSET_READ,
  PR_CAP_AMBIENT,
  PR_GET_KEEPCAPS,
  PR_GET_SECUREBITS,
  PR_SET_KEEPCAPS,
  PR_SET_SECUREBITS,
} from './kernel/capset.js';
export { PR_SET_PTRACER } from './kernel/lsm/yama.js';
export {
  SIGABRT,
  SIGALRM,
  SIGBUS,
  SIGCHLD,
  SIGCONT,
  SIGFPE,
  SIGHUP,
  SIGILL,
  SIGINT,
  SIGIO,
  SIGKILL,
  SIGPIPE,
  SIGPROF,
  SIGPWR,
  SIGQUIT,
  SIGSEGV,
  SIGSTKFLT,
  SIGSTOP,
  SIGSYS,
  SIGTERM,
  SIGTRAP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGUSR1,
  SIGUSR2,
  SIGVTALRM,
  SIGWINCH,
  SIGXCPU,
  SIGXFSZ,
} from './kernel/signal.js';
export {
  CLONE_FILES,
  CLONE_FS,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT,
  CLONE_PTRACE,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VFORK,
  CLONE_VM,
} from './kernel/unshare.js';
export { PAGE_SIZE } from '../assembly/abi/page.js';
export {
  UFFD_FEATURE_EXACT_ADDRESS,
  UFFD_FEATURE_SIGBUS,
  UFFD_FEATURE_THREAD_ID,
  UFFD_FEATURE_WP_ASYNC,
  UFFD_FEATURE_WP_UNPOPULATED,
} from './mm/userfaultfd.js';
export {
  UFFD_MINOR as UFFDIO_REGISTER_MODE_MINOR,
  UFFD_MISSING as UFFDIO_REGISTER_MODE_MISSING,
  UFFD_WP as UFFDIO_REGISTER_MODE_WP,
} from '../assembly/abi/userfault.js';
