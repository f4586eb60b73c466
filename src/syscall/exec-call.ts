import { E2BIG, EINVAL } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { commFromText } from '../kernel/comm.js';
import { execve } from '../kernel/exec.js';
import { doExitGroup } from '../kernel/exit.js';
import { SIGSEGV } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { dPath } from '../vfs/dentry.js';
import { filesOf } from '../vfs/fdtable.js';
import { AT_FDCWD } from '../vfs/flags.js';
import { addU64, type U64 } from '../vfs/u64.js';
import { done, int, readU64, type SyscallFamily, userPath, userString } from './args.js';
import { EXEC_ARCHES, type ExecArch } from './auxv.js';
import {
  type Binprm,
  checkArgs,
  followScripts,
  type LoadedElf,
  loadElf,
  readProgram,
} from './binfmt.js';
import { ExecutableFile, openExec } from './exec.js';

const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STRING_MAX = 131072;
/** Pointers of one list: more than any stack has room for. */
const POINTERS_MAX = 1 << 20;

/**
 * The start of programs.
 *
 * @see fs/exec.c
 */
export function execFamily(arch: keyof typeof EXEC_ARCHES): SyscallFamily {
  const with_ = EXEC_ARCHES[arch];
  return {
    execve: (task, path, argv, env) =>
      done(doExecve(task, userPath(task, path), () => readLists(task, argv, env), with_)),
    execveat: (task, fd, path, argv, env, flags) =>
      done(sysExecveat(task, int(fd), userPath(task, path), [argv, env, int(flags)], with_)),
  };
}

/** A path relative to a directory, or the file itself of a descriptor. */
function sysExecveat(
  task: TaskStruct,
  fd: number,
  path: string,
  [argv, env, flags]: readonly [U64, U64, number],
  arch: ExecArch,
): void {
  if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) fail(EINVAL);
  const relative = fd !== AT_FDCWD && !path.startsWith('/');
  if (!relative) return doExecve(task, path, () => readLists(task, argv, env), arch);
  const base = filesOf(task).rawFile(fd);
  const at = dPath(base.path, base.inode.sb.vfs.root);
  doExecve(task, path === '' ? at : `${at}/${path}`, () => readLists(task, argv, env), arch);
}

/** The lists a caller's memory holds. @throws {LinuxError} EFAULT; E2BIG: a string or a list too long */
function readLists(task: TaskStruct, argv: U64, env: U64): [string[], string[]] {
  const pointers = [readPointers(task, argv), readPointers(task, env)] as const;
  const strings = (list: readonly U64[]): string[] => {
    let left = 2 * POINTERS_MAX * 8;
    return list.map((addr) => {
      const text = userString(task, addr, STRING_MAX, E2BIG);
      left -= text.length + 1;
      return left < 0 ? fail(E2BIG) : text;
    });
  };
  return [strings(pointers[0]), strings(pointers[1])];
}

function readPointers(task: TaskStruct, addr: U64): U64[] {
  const found: U64[] = [];
  if (addr === 0) return found;
  for (let at = addr; ; at = addU64(at, 8)) {
    const pointer = readU64(task, at);
    if (pointer === 0) return found;
    if (found.length >= POINTERS_MAX) fail(E2BIG);
    found.push(pointer);
  }
}

/**
 * Starts a program in a task: ELF files of the architecture, and scripts. Where it begins is in the new
 * memory's `entry` and `startStack`. After the point of no return an error kills the task.
 *
 * @param lists arguments and environment, asked for once the file is open
 * @throws {LinuxError} what openExec() refuses; ENOEXEC: no program; E2BIG: arguments too long; ELOOP: scripts
 *   of scripts; ENOENT, EACCES, ELIBBAD: the interpreter; ENOMEM: no memory
 * @see fs/exec.c, do_execveat_common() and exec_binprm()
 */
export function doExecve(
  task: TaskStruct,
  filename: string,
  lists: () => readonly [readonly string[], readonly string[]],
  arch: ExecArch,
): void {
  const bprm: Binprm = { filename, file: openExec(task, filename), argv: [], env: [] };
  let elf: LoadedElf | null = null;
  try {
    const [argv, env] = lists();
    const adds = argv.length === 0 && task.kernel.profile.execAddsArgument;
    Object.assign(bprm, { argv: adds ? [''] : argv, env });
    checkArgs(task, bprm);
    followScripts(task, bprm);
    elf = readProgram(task, bprm.file, arch);
    execBinprm(task, bprm, elf, arch);
    task.comm = commFromText(filename.slice(filename.lastIndexOf('/') + 1));
  } finally {
    elf?.interpreter?.file.put();
    bprm.file.put(); // the memory has references of its own
  }
}

function execBinprm(task: TaskStruct, bprm: Binprm, elf: LoadedElf, arch: ExecArch): void {
  let loading = false;
  try {
    execve(task, new ExecutableFile(task, bprm.file), (mm, { secureexec }) => {
      loading = true;
      loadElf(task, mm, bprm, elf, { arch, secureexec });
      loading = false;
    });
  } catch (error) {
    // begin_new_exec() comes before the mappings: there is nothing to go back to.
    if (loading && error instanceof LinuxError) doExitGroup(task, SIGSEGV);
    throw error;
  }
}
