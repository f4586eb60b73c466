import { EIO, ELIBBAD, ENOEXEC } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { HostBuffer } from '../mm/user.js';
import type { File } from '../vfs/file.js';
import { PATH_MAX } from '../vfs/flags.js';
import { filePread } from '../vfs/read-write.js';

// include/uapi/linux/elf.h
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const PT_LOAD = 1;
const PT_INTERP = 3;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;
const EHDR_SIZE = 64;
export const PHDR_SIZE = 56;
const ELFCLASS64 = 2;
const EM_RISCV = 243;
/** ELF_MIN_ALIGN's bound of load_elf_phdrs(): bytes of all program headers. */
const PHDRS_MAX = 65536;

/** A program header; numbers beyond 2^53 are wrong and stay so. */
export interface ProgramHeader {
  readonly type: number;
  /** PF_* */
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

/** An ELF file as exec reads it. */
export interface ElfProgram {
  /** ET_EXEC or ET_DYN. */
  readonly type: number;
  readonly entry: number;
  /** Where the program headers lie in the file. */
  readonly phoff: number;
  readonly headers: readonly ProgramHeader[];
}

/** Bytes of a file from an offset; fewer at its end. */
export function readFileAt(task: TaskStruct, file: File, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const n = filePread(task, file, new HostBuffer(bytes), at);
  return bytes.subarray(0, n);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Reads an ELF file's headers.
 *
 * @param machine EM_* of the CPUs that shall run it
 * @param wrong the errno for what is no such file: ENOEXEC of a program, ELIBBAD of an interpreter
 * @throws {LinuxError} ENOEXEC or ELIBBAD: no ELF file for this machine; EIO: an interpreter cut short
 * @see fs/binfmt_elf.c, load_elf_binary() and load_elf_phdrs()
 */
export function readElfProgram(
  task: TaskStruct,
  file: File,
  machine: number,
  wrong: typeof ENOEXEC | typeof ELIBBAD = ENOEXEC,
): ElfProgram {
  const bytes = readFileAt(task, file, 0, EHDR_SIZE);
  if (bytes.length < EHDR_SIZE) fail(wrong === ELIBBAD ? EIO : wrong);
  const view = viewOf(bytes);
  const type = view.getUint16(16, true);
  if (view.getUint32(0) !== 0x7f454c46 || (type !== ET_EXEC && type !== ET_DYN)) fail(wrong);
  if (view.getUint16(18, true) !== machine) fail(wrong);
  // elf_check_arch(): of all, only riscv looks at the class.
  if (machine === EM_RISCV && bytes[4] !== ELFCLASS64) fail(wrong);
  if (file.fops.mmap === undefined) fail(wrong);
  const count = view.getUint16(56, true);
  const size = count * PHDR_SIZE;
  if (view.getUint16(54, true) !== PHDR_SIZE || size === 0 || size > PHDRS_MAX) fail(wrong);
  const phoff = Number(view.getBigUint64(32, true));
  const table = phoff < 2 ** 53 ? readFileAt(task, file, phoff, size) : new Uint8Array(0);
  if (table.length < size) fail(wrong);
  const headers = Array.from({ length: count }, (_, i) =>
    parseHeader(viewOf(table), i * PHDR_SIZE),
  );
  return { type, entry: Number(view.getBigUint64(24, true)), phoff, headers };
}

function parseHeader(view: DataView, at: number): ProgramHeader {
  const word = (offset: number): number => Number(view.getBigUint64(at + offset, true));
  return {
    type: view.getUint32(at, true),
    flags: view.getUint32(at + 4, true),
    offset: word(8),
    vaddr: word(16),
    filesz: word(32),
    memsz: word(40),
    align: word(48),
  };
}

/**
 * The path of the interpreter that a program asks for; null for none.
 *
 * @throws {LinuxError} ENOEXEC: too long, too short, or not terminated; EIO: cut short
 */
export function interpreterPath(task: TaskStruct, file: File, program: ElfProgram): string | null {
  const header = program.headers.find(({ type }) => type === PT_INTERP);
  if (header === undefined) return null;
  const { offset, filesz } = header;
  if (filesz > PATH_MAX || filesz < 2) fail(ENOEXEC);
  const bytes = offset < 2 ** 53 ? readFileAt(task, file, offset, filesz) : new Uint8Array(0);
  if (bytes.length < filesz) fail(EIO);
  if (bytes[filesz - 1] !== 0) fail(ENOEXEC);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
