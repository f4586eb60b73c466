// One mapping of each kind that the kernel treats in its own way when it dumps a core.
import {
  MADV_DODUMP,
  MADV_DONTDUMP,
  MADV_DONTNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
} from '../../assembly/abi/mman.js';
import {
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import type { AreaOp } from './areas-program.js';

const MADV_GUARD_INSTALL = 102;
export const PAGE = 4096;
export const RW = PROT_READ | PROT_WRITE;
export const PRIVATE = MAP_PRIVATE | MAP_FIXED;
export const SHARED = MAP_SHARED | MAP_FIXED;
/** The operations stay below; the program itself and its libraries are above. */
export const BASE = 0x10000000;
export const END = 0x20000000;
export const [DATA, LIBRARY, SCRIPT, GONE, MEMFD] = [0, 1, 2, 3, 4];

/** One mapping of each kind that vma_dump_size() tells apart, four pages apart. */
export function everyKind(): AreaOp[] {
  const ops: AreaOp[] = [];
  let addr = BASE;
  const map = (count: number, prot: number, flags: number, file = -1, page = 0): number => {
    const at = addr;
    addr += (count + 4) * PAGE;
    const anonymous = file < 0 ? MAP_ANONYMOUS : 0;
    const length = count * PAGE;
    ops.push({
      op: 'm',
      addr: at,
      length,
      prot,
      flags: flags | anonymous,
      file,
      offset: page * PAGE,
    });
    return at;
  };
  const touch = (at: number): void => void ops.push({ op: 't', addr: at });
  const advise = (at: number, value: number): void =>
    void ops.push({ op: 'a', addr: at, length: 2 * PAGE, value });
  map(2, RW, PRIVATE);
  touch(map(2, RW, PRIVATE));
  ops.push({ op: 'r', addr: map(3, RW, PRIVATE) });
  map(2, 0, PRIVATE);
  const sealed = map(2, RW, PRIVATE);
  touch(sealed);
  ops.push({ op: 'p', addr: sealed, length: 2 * PAGE, value: 0 });
  for (const advice of [[MADV_DONTDUMP], [MADV_DONTDUMP, MADV_DODUMP], [MADV_DONTNEED]]) {
    const at = map(2, RW, PRIVATE);
    touch(at);
    for (const value of advice) advise(at, value);
  }
  touch(map(2, RW, SHARED));
  map(2, RW, SHARED);
  for (const file of [DATA, LIBRARY, SCRIPT, GONE, MEMFD]) {
    map(3, PROT_READ, PRIVATE, file);
    map(3, PROT_READ | PROT_EXEC, PRIVATE, file);
    map(3, 0, PRIVATE, file);
    map(3, PROT_READ, PRIVATE, file, 1);
    touch(map(3, RW, PRIVATE, file) + PAGE);
    map(3, RW, SHARED, file);
    map(8, PROT_READ, PRIVATE, file);
    touch(map(8, RW, PRIVATE, file));
  }
  touch(map(2, RW, PRIVATE | MAP_GROWSDOWN));
  const guarded = map(3, RW, PRIVATE);
  for (let i = 0; i < 3; i++) touch(guarded + i * PAGE);
  ops.push({ op: 'a', addr: guarded + PAGE, length: PAGE, value: MADV_GUARD_INSTALL });
  return ops;
}
