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
import { fail } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { MmLimits } from '../mm/limits.js';
import { mmap } from '../mm/mmap.js';
import { encodeName } from '../mm/name-bytes.js';
import { storeUser } from '../mm/user.js';

/** The end of the stack: one page below the end of user memory. */
const STACK_TOP = 0x7ffffffff000;
/** Bytes of stack a program of Linux starts with. */
const STACK_SIZE = 0x21000;

/** Where the strings and bytes lie that the auxiliary vector points to. */
export interface StackPlaces {
  readonly random: number;
  readonly platform: number;
  /** The program's path. */
  readonly path: number;
}

/** What a new stack holds. */
export interface StackContents {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** The path the program was started by. */
  readonly path: string;
  /** AT_PLATFORM; null where the architecture has none. */
  readonly platform: string | null;
  /** 16 bytes for AT_RANDOM; zeros by default. */
  readonly random?: Uint8Array;
  /** The auxiliary vector, pairs of words with AT_NULL. */
  auxv(places: StackPlaces): number[];
}

/**
 * Maps a stack as programs start with. @throws {LinuxError} ENOMEM: no memory, or over a limit
 *
 * @param executable a program says so, or says nothing
 * @see fs/exec.c, setup_arg_pages()
 */
export function mapStack(mm: MmStruct, limits: MmLimits, executable = false): void {
  const prot = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
  const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN;
  const request = { addr: STACK_TOP - STACK_SIZE, length: STACK_SIZE, prot, flags, offset: 0 };
  mmap(mm, request, limits);
}

/** @throws {LinuxError} ENOMEM: no frame for it */
function store(mm: MmStruct, addr: number, bytes: Uint8Array): void {
  if (storeUser(mm, addr, bytes) < bytes.length) fail(ENOMEM);
}

/** Strings one behind the other, in one copy; gives the address of each. */
function storeStrings(mm: MmStruct, start: number, strings: readonly Uint8Array[]): number[] {
  const addrs: number[] = [];
  const all = new Uint8Array(strings.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const bytes of strings) {
    addrs.push(start + at);
    all.set(bytes, at);
    at += bytes.length;
  }
  store(mm, start, all);
  return addrs;
}

/**
 * From the top down: the program's path, environment and arguments, then the words that point there.
 *
 * @throws {LinuxError} ENOMEM: no memory, or they do not fit into the stack
 * @see fs/exec.c, copy_strings(), and fs/binfmt_elf.c, create_elf_tables()
 */
export function fillStack(mm: MmStruct, contents: StackContents): void {
  const { argv, env, path, platform } = contents;
  const strings = [...argv, ...env, path].map((text) => encodeName(`${text}\0`));
  const bytes = strings.reduce((sum, { length }) => sum + length, 0);
  const stringsStart = STACK_TOP - 8 - bytes;
  const addrs = storeStrings(mm, stringsStart, strings);
  mm.argStart = stringsStart;
  mm.argEnd = addrs[argv.length] ?? stringsStart;
  mm.envStart = mm.argEnd;
  mm.envEnd = addrs[argv.length + env.length] ?? mm.argEnd;
  let at = stringsStart - (stringsStart % 16);
  if (platform !== null) {
    at -= 16;
    store(mm, at, encodeName(`${platform}\0`));
  }
  const places = { platform: at, random: at - 16, path: mm.envEnd };
  if (contents.random !== undefined) store(mm, places.random, contents.random);
  const auxv = contents.auxv(places);
  const pointers = [...addrs.slice(0, argv.length), 0, ...addrs.slice(argv.length, -1), 0];
  const words = new BigUint64Array([argv.length, ...pointers, ...auxv].map(BigInt));
  const start = places.random - words.byteLength;
  mm.startStack = start - (start % 16);
  store(mm, mm.startStack, new Uint8Array(words.buffer));
  mm.auxv = new Uint8Array(new BigUint64Array(auxv.map(BigInt)).buffer);
}
