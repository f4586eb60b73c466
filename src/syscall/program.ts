import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { TaskStruct } from '../kernel/task.js';
import { mapVdso } from '../kernel/vdso.js';
import { pageAlign } from '../mm/address.js';
import type { MmLimits } from '../mm/limits.js';
import { mmap } from '../mm/mmap.js';
import type { File } from '../vfs/file.js';
import { mapFileChecked } from '../vfs/mmap.js';
import { mmLimits } from '../kernel/mm-limits.js';
import { EXEC_ARCHES, makeAuxv } from './auxv.js';
import { fillStack, mapStack } from './initial-stack.js';

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

/** Where Linux puts a position-independent program, without randomisation. */
const PROGRAM_BASE = 0x555555554000;
const FIXED = MAP_PRIVATE | MAP_FIXED;

/** sizeof(Elf64_Ehdr): where program headers lie. */
const EHDR_SIZE = 64;

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
  mapStack(mm, limits);
  const { argv, env, secureexec = false } = program;
  const arch = EXEC_ARCHES.x86_64;
  const where = {
    ...{ phdr: PROGRAM_BASE + EHDR_SIZE, phnum: 0, entry: PROGRAM_BASE, base: 0 },
    vdso: mapVdso(mm, task.kernel.vdso),
    secureexec,
  };
  fillStack(mm, {
    ...{ argv, env, path: argv[0] ?? '', platform: arch.platform },
    auxv: (places) => makeAuxv(arch, where, task.cred, places),
  });
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
