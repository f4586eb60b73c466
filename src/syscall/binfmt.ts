import { E2BIG, ELIBBAD, ELOOP, ENOEXEC } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { mmLimits } from '../kernel/mm-limits.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { RLIMIT_STACK } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import { mapVdso } from '../kernel/vdso.js';
import { vdsoFunction, VDSO_RISCV64 } from '../kernel/vdso-arch.js';
import { encodeName } from '../mm/name-bytes.js';
import type { File } from '../vfs/file.js';
import { EXEC_ARCHES, type ExecArch, makeAuxv } from './auxv.js';
import { ELF_ET_DYN_BASE, mapElf, setAreas } from './binfmt-elf.js';
import {
  type ElfProgram,
  ET_DYN,
  interpreterPath,
  readElfProgram,
  readFileAt,
} from './elf-program.js';
import { openExec } from './exec.js';
import { fillStack, mapStack } from './initial-stack.js';

/** Bytes of a file that say what it is (BINPRM_BUF_SIZE). */
const BINPRM_BUF_SIZE = 256;
/** How often a script's interpreter may be a script again. */
const SCRIPTS_MAX = 5;
/** MAX_ARG_STRLEN, _STK_LIM and ARG_MAX: bytes of one string, three quarters of the usual stack, the least. */
const STRING_MAX = 131072;
const ARGS_MAX = 6291456;
const ARGS_LEAST = 131072;

const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;

/** A program and how it is called (struct linux_binprm). */
export interface Binprm {
  /** The path given to execve. */
  readonly filename: string;
  /** Its file, or its interpreter's if it is a script; the caller puts it. */
  file: File;
  argv: readonly string[];
  readonly env: readonly string[];
}

/**
 * Checks that arguments and environment are not too long.
 *
 * @throws {LinuxError} E2BIG: a string, or all of them with their pointers
 * @see fs/exec.c, bprm_stack_limits() and copy_strings()
 */
export function checkArgs(task: TaskStruct, { argv, env, filename }: Binprm): void {
  const stack = task.group.rlimits.soft(RLIMIT_STACK);
  const most = Math.max(Math.min(ARGS_MAX, stack / 4), ARGS_LEAST);
  let left = most - (Math.max(argv.length, 1) + env.length) * 8 - encodeName(filename).length - 1;
  for (const text of [...argv, ...env]) {
    const length = encodeName(text).length + 1;
    left -= length;
    if (length > STRING_MAX || left < 0) fail(E2BIG);
  }
}

/**
 * Follows the #! lines of scripts to the program that is to run.
 *
 * @throws {LinuxError} ENOEXEC: a line without an interpreter; ELOOP: too many; what openExec() refuses
 * @see fs/binfmt_script.c, load_script()
 */
export function followScripts(task: TaskStruct, bprm: Binprm): void {
  let path = bprm.filename;
  for (let depth = 0; ; depth++) {
    const line = scriptLine(readFileAt(task, bprm.file, 0, BINPRM_BUF_SIZE));
    if (line === null) return;
    if (depth >= SCRIPTS_MAX) fail(ELOOP);
    const [interpreter, argument] = line;
    const given = argument === '' ? [] : [argument];
    bprm.argv = [interpreter, ...given, path, ...bprm.argv.slice(1)];
    const next = openExec(task, interpreter);
    bprm.file.put();
    bprm.file = next;
    path = interpreter;
  }
}

/** The interpreter and its argument; null for what is no script. */
function scriptLine(head: Uint8Array): [interpreter: string, argument: string] | null {
  if (head[0] !== 0x23 || head[1] !== 0x21) return null;
  const text = Array.from(head.subarray(2), (byte) => String.fromCharCode(byte)).join('');
  const end = /[\n\0]/.exec(text)?.index ?? text.length;
  const line = text.slice(0, end).replace(/^[ \t]+|[ \t]+$/g, '');
  // A line that the buffer cuts must at least hold the interpreter's whole path.
  const cut = end === text.length && head.length === BINPRM_BUF_SIZE;
  const [, interpreter = '', argument = ''] = /^([^ \t]*)[ \t]*(.*)$/s.exec(line) ?? [];
  if (interpreter === '' || (cut && !/[ \t]/.test(line))) fail(ENOEXEC);
  return [interpreter, argument];
}

/** A program and its interpreter, read but not mapped. */
export interface LoadedElf {
  readonly program: ElfProgram;
  readonly interpreter: { readonly file: File; readonly elf: ElfProgram } | null;
}

/**
 * Reads a program and its interpreter; the caller puts the interpreter's file.
 *
 * @throws {LinuxError} ENOEXEC: no program for this machine; ENOENT, EACCES, ELIBBAD, EIO: its interpreter
 */
export function readProgram(task: TaskStruct, file: File, { machine }: ExecArch): LoadedElf {
  const program = readElfProgram(task, file, machine);
  const path = interpreterPath(task, file, program);
  if (path === null) return { program, interpreter: null };
  const opened = openExec(task, path);
  try {
    return {
      program,
      interpreter: { file: opened, elf: readElfProgram(task, opened, machine, ELIBBAD) },
    };
  } catch (error) {
    opened.put();
    throw error;
  }
}

/**
 * Fills a new memory with a program: its segments and its interpreter's, the vDSO, and a stack.
 *
 * @throws {LinuxError} EINVAL, EFAULT, EEXIST: addresses that make no sense; ENOMEM: no memory, or over a limit
 * @see fs/binfmt_elf.c, load_elf_binary() and create_elf_tables()
 */
export function loadElf(
  task: TaskStruct,
  mm: MmStruct,
  bprm: Binprm,
  { program, interpreter }: LoadedElf,
  options: { readonly arch: ExecArch; readonly secureexec: boolean },
): void {
  const { arch, secureexec } = options;
  const limits = mmLimits(task);
  const stackFlags = program.headers.find(({ type }) => type === PT_GNU_STACK)?.flags ?? PF_X;
  mapStack(mm, limits, (stackFlags & PF_X) !== 0);
  const placed = program.type === ET_DYN && interpreter !== null ? ELF_ET_DYN_BASE : null;
  const main = mapElf(task, mm, bprm.file, program, placed);
  setAreas(mm, program, main.bias, program.type === ET_DYN && interpreter === null);
  const ld = interpreter && mapElf(task, mm, interpreter.file, interpreter.elf, null);
  mm.entry = (ld ?? main).entry;
  const vdso = mapVdsoOf(task, mm, arch);
  const random = new Uint8Array(16);
  task.kernel.random.fill(random);
  const { phdr, entry } = main;
  const where = {
    phdr,
    phnum: program.headers.length,
    entry,
    base: ld?.base ?? 0,
    vdso,
    secureexec,
  };
  const { argv, env, filename: path } = bprm;
  fillStack(mm, {
    ...{ argv, env, path, platform: arch.platform, random },
    auxv: (places) => makeAuxv(arch, where, task.cred, places),
  });
}

/** There is one for x86-64 and one for riscv64. */
function mapVdsoOf(task: TaskStruct, mm: MmStruct, arch: ExecArch): number {
  if (arch === EXEC_ARCHES.aarch64) return 0;
  const riscv = arch === EXEC_ARCHES.riscv64;
  const vdso = mapVdso(mm, riscv ? task.kernel.vdsoRiscv64 : task.kernel.vdso);
  if (riscv) mm.sigreturn = vdso + vdsoFunction(VDSO_RISCV64, 'rt_sigreturn');
  return vdso;
}
