import { ENOMEM } from '../../assembly/abi/errno.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import type { Cred } from '../kernel/cred.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { TaskStruct } from '../kernel/task.js';
import { mapVdso } from '../kernel/vdso.js';
import { pageAlign } from '../mm/address.js';
import type { MmLimits } from '../mm/limits.js';
import { mmap } from '../mm/mmap.js';
import { encodeName } from '../mm/name-bytes.js';
import { storeUser } from '../mm/user.js';
import type { File } from '../vfs/file.js';
import { mapFileChecked } from '../vfs/mmap.js';
import { mmLimits } from '../kernel/mm-limits.js';

/** A program as a process starts with it. */
export interface Program {
  /** Its file; null where there is none, and a page without contents stands for its text. */
  readonly file: File | null;
  /** Arguments, the program's name first. */
  readonly argv: readonly string[];
  /** Environment, as NAME=value. */
  readonly env: readonly string[];
  /** Whether it runs with more rights than its caller had (AT_SECURE). */
  readonly secureexec?: boolean;
}

/** The end of the stack: one page below the end of user memory. */
const STACK_TOP = 0x7ffffffff000;
/** Bytes of stack a program of Linux starts with. */
const STACK_SIZE = 0x21000;
/** Where Linux puts a position-independent program, without randomisation. */
const PROGRAM_BASE = 0x555555554000;
const FIXED = MAP_PRIVATE | MAP_FIXED;

// include/uapi/linux/auxvec.h and arch/x86/include/uapi/asm/auxvec.h
const AT_NULL = 0;
const AT_PHDR = 3;
const AT_PHENT = 4;
const AT_PHNUM = 5;
const AT_PAGESZ = 6;
const AT_BASE = 7;
const AT_FLAGS = 8;
const AT_ENTRY = 9;
const AT_UID = 11;
const AT_EUID = 12;
const AT_GID = 13;
const AT_EGID = 14;
const AT_PLATFORM = 15;
const AT_HWCAP = 16;
const AT_CLKTCK = 17;
const AT_SECURE = 23;
const AT_RANDOM = 25;
const AT_HWCAP2 = 26;
const AT_RSEQ_FEATURE_SIZE = 27;
const AT_RSEQ_ALIGN = 28;
const AT_EXECFN = 31;
const AT_SYSINFO_EHDR = 33;
const AT_MINSIGSTKSZ = 51;

/** sizeof(Elf64_Ehdr) and sizeof(Elf64_Phdr): where program headers lie, and their size. */
const EHDR_SIZE = 64;
const PHDR_SIZE = 56;

/**
 * Fills a memory as a program finds it that has just been started: its file mapped readable and
 * executable, a page of data, the heap behind it, the vDSO, and a stack with arguments, environment
 * and auxiliary vector. The file is mapped as it is: nothing of its format is looked at.
 *
 * @param task whose limits count, and who opened the file
 * @throws {LinuxError} ENOMEM: no memory, or over a limit
 * @see fs/binfmt_elf.c, load_elf_binary() and create_elf_tables()
 */
export function loadProgram(task: TaskStruct, mm: MmStruct, program: Program): void {
  const limits = mmLimits(task);
  const place = (addr: number, length: number, prot: number, flags: number): number =>
    mmap(mm, { addr, length, prot, flags: flags | MAP_ANONYMOUS, offset: 0 }, limits);
  const text = mapText(task, mm, program.file, limits);
  mm.startCode = PROGRAM_BASE;
  mm.endCode = PROGRAM_BASE + text;
  mm.startData = mm.endCode;
  mm.endData = mm.startData + PAGE_SIZE;
  mm.startBrk = mm.endData;
  mm.brk = mm.endData;
  place(mm.startData, PAGE_SIZE, PROT_READ | PROT_WRITE, FIXED);
  const stack = STACK_TOP - STACK_SIZE;
  place(stack, STACK_SIZE, PROT_READ | PROT_WRITE, FIXED | MAP_GROWSDOWN);
  fillStack(mm, program, task.cred, mapVdso(mm, task.kernel.vdso));
}

/** Maps the program's file, or a page in its place; returns the bytes mapped. */
function mapText(task: TaskStruct, mm: MmStruct, file: File | null, limits: MmLimits): number {
  const length = Math.max(pageAlign(Number(file?.inode.size ?? 0)), PAGE_SIZE);
  const prot = PROT_READ | PROT_EXEC;
  const request = { addr: PROGRAM_BASE, length, prot, offset: 0 };
  if (file === null) {
    mmap(mm, { ...request, flags: FIXED | MAP_ANONYMOUS }, limits);
  } else {
    const mapFile = () => mapFileChecked(task, file, { prot, flags: FIXED, length });
    mmap(mm, { ...request, flags: FIXED, mapFile }, limits);
  }
  return length;
}

/** @throws {LinuxError} ENOMEM: no frame for it */
function store(mm: MmStruct, addr: number, bytes: Uint8Array): void {
  if (storeUser(mm, addr, bytes) < bytes.length) fail(ENOMEM);
}

/** From the top down: the program's path, environment and arguments, then the words that point there. */
function fillStack(mm: MmStruct, program: Program, cred: Readonly<Cred>, vdso: number): void {
  const { argv, env } = program;
  const strings = [...argv, ...env, argv[0] ?? ''].map((text) => encodeName(`${text}\0`));
  let at = STACK_TOP - 8 - strings.reduce((sum, { length }) => sum + length, 0);
  const stringsStart = at;
  const addrs = strings.map((bytes) => {
    store(mm, at, bytes);
    at += bytes.length;
    return at - bytes.length;
  });
  mm.argStart = stringsStart;
  mm.argEnd = addrs[argv.length] ?? stringsStart;
  mm.envStart = mm.argEnd;
  mm.envEnd = addrs[argv.length + env.length] ?? mm.argEnd;
  const platform = stringsStart - (stringsStart % 16) - 16;
  store(mm, platform, encodeName('x86_64\0'));
  const random = platform - 16;
  const places = { vdso, random, platform, path: mm.envEnd };
  const auxv = makeAuxv(cred, program.secureexec ?? false, places);
  const pointers = [...addrs.slice(0, argv.length), 0, ...addrs.slice(argv.length, -1), 0];
  const words = new BigUint64Array([argv.length, ...pointers, ...auxv].map(BigInt));
  const start = random - words.byteLength;
  mm.startStack = start - (start % 16);
  store(mm, mm.startStack, new Uint8Array(words.buffer));
  mm.auxv = new Uint8Array(new BigUint64Array(auxv.map(BigInt)).buffer);
}

/** The auxiliary vector in the order and with the entries of x86-64. */
function makeAuxv(
  cred: Readonly<Cred>,
  secureexec: boolean,
  places: Readonly<Record<'vdso' | 'random' | 'platform' | 'path', number>>,
): number[] {
  return [
    ...[AT_SYSINFO_EHDR, places.vdso, AT_MINSIGSTKSZ, 3632, AT_HWCAP, 0x178bfbff],
    ...[AT_PAGESZ, PAGE_SIZE, AT_CLKTCK, 100],
    ...[AT_PHDR, PROGRAM_BASE + EHDR_SIZE, AT_PHENT, PHDR_SIZE, AT_PHNUM, 0],
    ...[AT_BASE, 0, AT_FLAGS, 0, AT_ENTRY, PROGRAM_BASE],
    ...[AT_UID, cred.uid, AT_EUID, cred.euid, AT_GID, cred.gid, AT_EGID, cred.egid],
    ...[AT_SECURE, Number(secureexec), AT_RANDOM, places.random, AT_HWCAP2, 2],
    ...[AT_EXECFN, places.path, AT_PLATFORM, places.platform],
    ...[AT_RSEQ_FEATURE_SIZE, 28, AT_RSEQ_ALIGN, 32, AT_NULL, 0],
  ];
}
