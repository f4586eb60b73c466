import { EFAULT, EINVAL, ENOMEM } from '../../assembly/abi/errno.js';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { mmLimits } from '../kernel/mm-limits.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { TaskStruct } from '../kernel/task.js';
import { pageAlign, pageFloor, TASK_SIZE } from '../mm/address.js';
import { mmap, munmap } from '../mm/mmap.js';
import { storeUser } from '../mm/user.js';
import type { File } from '../vfs/file.js';
import { mapFileChecked } from '../vfs/mmap.js';
import {
  type ElfProgram,
  ET_DYN,
  ET_EXEC,
  PF_R,
  PF_W,
  PF_X,
  PHDR_SIZE,
  type ProgramHeader,
  PT_LOAD,
} from './elf-program.js';

/** ELF_ET_DYN_BASE: two thirds up the user's half, where programs that are position-independent go. */
export const ELF_ET_DYN_BASE = 0x555555554000;
const SEGMENT_FLAGS = MAP_PRIVATE;

/** Where a file was put. */
export interface MappedElf {
  /** What is added to its addresses. */
  readonly bias: number;
  readonly entry: number;
  /** Where its first segment begins. */
  readonly base: number;
  /** Where its program headers lie in memory; 0 when no segment has them. */
  readonly phdr: number;
}

/** The segments that are mapped. */
function loads({ headers }: ElfProgram): readonly ProgramHeader[] {
  return headers.filter(({ type }) => type === PT_LOAD);
}

function protOf({ flags }: ProgramHeader): number {
  return (
    (flags & PF_R ? PROT_READ : 0) |
    (flags & PF_W ? PROT_WRITE : 0) |
    (flags & PF_X ? PROT_EXEC : 0)
  );
}

/** Bytes from the first segment's page to the last one's end (total_mapping_size()). */
function totalSize(segments: readonly ProgramHeader[]): number {
  const first = Math.min(...segments.map(({ vaddr }) => pageFloor(vaddr)));
  return Math.max(...segments.map(({ vaddr, memsz }) => vaddr + memsz)) - first;
}

/** The greatest alignment that is a power of two, at least a page (maximum_alignment()). */
function maximumAlignment(segments: readonly ProgramHeader[]): number {
  const valid = segments.map(({ align }) => align).filter((a) => Number.isInteger(Math.log2(a)));
  return Math.max(PAGE_SIZE, ...valid);
}

/** Maps files into a memory that is being filled. */
class ElfMapper {
  private readonly task: TaskStruct;
  private readonly mm: MmStruct;
  private readonly file: File;

  constructor(task: TaskStruct, mm: MmStruct, file: File) {
    this.task = task;
    this.mm = mm;
    this.file = file;
  }

  /**
   * One segment's bytes of the file. The first of several maps as much as all will need, so that they
   * find their places free, and gives the rest back (elf_map()).
   */
  private mapPages(header: ProgramHeader, at: number, flags: number, total: number): number {
    const within = header.vaddr % PAGE_SIZE;
    const size = pageAlign(header.filesz + within);
    const addr = pageFloor(at);
    if (size === 0) return addr;
    const prot = protOf(header);
    const length = total === 0 ? size : pageAlign(total);
    const offset = header.offset - within;
    if (offset < 0 || offset % PAGE_SIZE !== 0) fail(EINVAL);
    const request = { prot, flags: SEGMENT_FLAGS | flags, length, pgoff: offset / PAGE_SIZE };
    const mapFile = () => mapFileChecked(this.task, this.file, request);
    const { mm } = this;
    const place = { addr, length, prot, flags: request.flags, offset, mapFile };
    const start = mmap(mm, place, mmLimits(this.task));
    if (length > size) munmap(mm, start + size, length - size);
    return start;
  }

  /** A segment with the zeros behind what the file has of it; gives where its page is (elf_load()). */
  map(header: ProgramHeader, at: number, flags: number, total: number): number {
    const within = header.vaddr % PAGE_SIZE;
    if (header.filesz === 0) {
      const addr = pageFloor(at);
      this.zeroPages(addr, pageAlign(addr + within + header.memsz), header.flags);
      return addr;
    }
    const start = this.mapPages(header, at, flags, total);
    if (header.memsz <= header.filesz) return start;
    const end = start + within + header.filesz;
    // What is not writable keeps the file's bytes behind the segment.
    const rest = new Uint8Array(pageAlign(end) - end);
    if (storeUser(this.mm, end, rest) < rest.length && header.flags & PF_W) fail(EFAULT);
    this.zeroPages(pageAlign(end), pageAlign(start + within + header.memsz), header.flags);
    return start;
  }

  /** vm_brk_flags(): writable, whatever the segment says. */
  private zeroPages(start: number, end: number, flags: number): void {
    if (end <= start) return;
    const prot = PROT_READ | PROT_WRITE | (flags & PF_X ? PROT_EXEC : 0);
    const how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    const request = { addr: start, length: end - start, prot, flags: how, offset: 0 };
    mmap(this.mm, request, mmLimits(this.task));
  }
}

/** A segment that reaches out of user memory, or whose sizes make no sense (BAD_ADDR()). */
function checkReach({ vaddr, filesz, memsz }: ProgramHeader, bias: number): void {
  const addr = vaddr + bias;
  const bad = addr >= TASK_SIZE || filesz > memsz || memsz > TASK_SIZE || TASK_SIZE - memsz < addr;
  if (bad) fail(EINVAL);
}

/**
 * Maps the segments of an ELF file.
 *
 * @param at where a position-independent one goes; null leaves the place to mmap
 * @throws {LinuxError} EINVAL: addresses that make no sense; ENOMEM: no room; EEXIST: two segments overlap
 * @see fs/binfmt_elf.c, load_elf_binary() and load_elf_interp()
 */
export function mapElf(
  task: TaskStruct,
  mm: MmStruct,
  file: File,
  program: ElfProgram,
  at: number | null,
): MappedElf {
  const segments = loads(program);
  const mapper = new ElfMapper(task, mm, file);
  const [first] = segments;
  if (first === undefined) return fail(EINVAL);
  for (const header of segments) checkReach(header, 0);
  const total = totalSize(segments);
  if (program.type === ET_EXEC) at = 0;
  const alignment = program.type === ET_DYN ? maximumAlignment(segments) : PAGE_SIZE;
  const place = at ?? (alignment > PAGE_SIZE ? alignedPlace(task, mm, total, alignment) : null);
  const firstFlags = place === null ? 0 : MAP_FIXED_NOREPLACE;
  const wanted = place === null ? 0 : bias0(place, alignment, first, program) + first.vaddr;
  const start = mapper.map(first, wanted, firstFlags, total);
  const bias = start - pageFloor(first.vaddr);
  for (const header of segments.slice(1)) {
    checkReach(header, bias);
    mapper.map(header, header.vaddr + bias, MAP_FIXED, 0);
  }
  const entry = program.entry + bias;
  if (entry >= TASK_SIZE) fail(EINVAL);
  return { bias, entry, base: start, phdr: phdrAddr(program, segments, bias) };
}

/** The bias that puts the first segment at a place, aligned. */
function bias0(place: number, align: number, first: ProgramHeader, program: ElfProgram): number {
  if (program.type === ET_EXEC) return 0;
  return place - (place % align) - pageFloor(first.vaddr);
}

/** Room for a file whose segments want more than pages: found with space to spare, and given back. */
function alignedPlace(task: TaskStruct, mm: MmStruct, total: number, align: number): number {
  const length = total + align;
  if (length > TASK_SIZE) fail(ENOMEM);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS;
  const at = mmap(mm, { addr: 0, length, prot: 0, flags, offset: 0 }, mmLimits(task));
  munmap(mm, at, length);
  return Math.ceil(at / align) * align;
}

function phdrAddr(
  { phoff, headers }: ElfProgram,
  segments: readonly ProgramHeader[],
  bias: number,
): number {
  const holder = segments.find(
    ({ offset, filesz }) =>
      offset <= phoff && phoff + headers.length * PHDR_SIZE <= offset + filesz,
  );
  return holder === undefined ? 0 : phoff - holder.offset + holder.vaddr + bias;
}

/** Notes where a program's text, data and heap lie (the fields /proc/PID/stat shows). */
export function setAreas(
  mm: MmStruct,
  program: ElfProgram,
  bias: number,
  fixedHeap: boolean,
): void {
  const segments = loads(program);
  const executable = segments.filter(({ flags }) => flags & PF_X);
  const ends = (of: readonly ProgramHeader[]): number =>
    Math.max(0, ...of.map(({ vaddr, filesz }) => vaddr + filesz));
  mm.startCode = Math.min(...segments.map(({ vaddr }) => vaddr)) + bias;
  mm.endCode = ends(executable) + bias;
  mm.startData = Math.max(...segments.map(({ vaddr }) => vaddr)) + bias;
  mm.endData = ends(segments) + bias;
  const end = Math.max(...segments.map(({ vaddr, memsz }) => vaddr + memsz)) + bias;
  // A static program that is position-independent lies among the mappings: its heap goes elsewhere.
  mm.startBrk = fixedHeap ? ELF_ET_DYN_BASE : pageAlign(end);
  mm.brk = mm.startBrk;
}
