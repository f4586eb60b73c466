// The shared libraries of a process, as its dynamic linker lists them in memory.
import { AT_PHDR, AT_PHNUM } from '../kernel/auxvec.js';
import { auxvValue } from './auxv.js';
import { PHDR_SIZE, PT_DYNAMIC } from './format.js';

const PT_PHDR = 6;
const DT_NULL = 0n;
const DT_DEBUG = 21n;
const MAX_HEADERS = 1024;
const MAX_ENTRIES = 4096;
const MAX_NAME = 4096;

/** One entry of the linker's list: struct link_map of <link.h>. */
export interface Library {
  /** Where the entry itself is. */
  readonly linkMap: bigint;
  /** What is added to the addresses in the file. */
  readonly base: bigint;
  readonly name: string;
  /** Where its dynamic section is. */
  readonly dynamic: bigint;
}

/** A process whose libraries are to be listed. */
export interface LibrarySource {
  readonly auxv: Uint8Array;
  /** Up to `length` bytes; fewer, or none, where memory ends. */
  read(addr: bigint, length: number): Uint8Array;
}

/**
 * Walks r_debug and its link_maps: the program first, then its libraries. Memory that cannot be read
 * or makes no sense ends the list.
 *
 * @returns empty for a static program, or one whose linker has not run yet
 */
export function listLibraries(source: LibrarySource): Library[] {
  const words = new Words(source);
  const found: Library[] = [];
  const seen = new Set<bigint>();
  let at = firstLinkMap(source.auxv, words);
  while (at !== null && at !== 0n && !seen.has(at) && found.length < MAX_ENTRIES) {
    seen.add(at);
    const [base, name, dynamic, next] = words.read(at, 4);
    if (base === undefined || name === undefined || dynamic === undefined) break;
    found.push({ linkMap: at, base, name: words.text(name), dynamic });
    at = next ?? null;
  }
  return found;
}

/** 64-bit words and texts of a process. */
class Words {
  readonly #source: LibrarySource;

  constructor(source: LibrarySource) {
    this.#source = source;
  }

  /** Up to `count` words; fewer where memory ends. */
  read(addr: bigint, count: number): bigint[] {
    const bytes = this.#source.read(addr, 8 * count);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: bytes.length >> 3 }, (_, i) => view.getBigUint64(8 * i, true));
  }

  text(addr: bigint): string {
    const bytes = this.#source.read(addr, MAX_NAME);
    const end = bytes.indexOf(0);
    return end < 0 ? '' : new TextDecoder().decode(bytes.subarray(0, end));
  }
}

function firstLinkMap(auxv: Uint8Array, words: Words): bigint | null {
  const phdr = auxvValue(auxv, AT_PHDR);
  const count = Number(auxvValue(auxv, AT_PHNUM) ?? 0n);
  if (phdr === null || count > MAX_HEADERS) return null;
  let self: bigint | null = null;
  let dynamic: bigint | null = null;
  for (let i = 0; i < count; i++) {
    const [word = 0n, , vaddr = 0n] = words.read(phdr + BigInt(i * PHDR_SIZE), 3);
    const type = Number(word & 0xffffffffn);
    if (type === PT_PHDR) self = vaddr;
    else if (type === PT_DYNAMIC) dynamic = vaddr;
  }
  if (self === null || dynamic === null) return null;
  const debug = findDebug(words, dynamic + phdr - self);
  return debug === null ? null : (words.read(debug + 8n, 1)[0] ?? null);
}

/** What the linker put into DT_DEBUG: the address of struct r_debug. */
function findDebug(words: Words, dynamic: bigint): bigint | null {
  for (let i = 0; i < MAX_ENTRIES; i++) {
    const [tag, value] = words.read(dynamic + BigInt(16 * i), 2);
    if (tag === undefined || value === undefined || tag === DT_NULL) return null;
    if (tag === DT_DEBUG) return value === 0n ? null : value;
  }
  return null;
}
