// The page cache of one file: struct address_space of include/linux/fs.h. Pages hang in a radix tree
// of 64-way nodes that is as high as the file needs; every VMA that maps the file is on its list.
//
//   levels = 2:   root -> [ node ... ] -> [ frame ... ]      6 bits of the page index a level
import { PG_CACHE, PG_CODE, PG_DIRTY, PG_FALLOCATED } from '../abi/layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { beforeWrite } from './checkpoint';
import { dropCode } from './code';
import {
  allocFrame,
  allocZeroedFrame,
  pageFlags,
  putFrame,
  setPageFlags,
  setPageOwner,
} from './frame';
import { SLAB_FILE, SLAB_MAPPING, SLAB_NODE, allocObject, freeObject } from './slab';
import { Vma } from './vma';

const NODE_BITS: u32 = 6;
const NODE_SLOTS: u64 = 64;
const NODE_SIZE: usize = 256;

/** Holes are pages of zeros that come to be when touched: tmpfs, memfd, shared anonymous memory. */
export const MAPPING_MEMORY: u32 = 0;
/** Absent pages are loaded by the host. */
export const MAPPING_HOST: u32 = 1;

@unmanaged
export class Mapping {
  /** i_size, in bytes. */
  size: u64;
  /** Tree of cached pages; 0 when there is none. */
  root: usize;
  levels: u32;
  /** Pages in the tree. */
  nrPages: u32;
  kind: u32;
  /** The host's name for this mapping, returned with a request for a page. */
  id: u32;
  /** First VMA of i_mmap, linked by mapNext and mapPrev. */
  vmas: Vma | null;
  /** VMAs through which the file could be written: i_mmap_writable. */
  writable: u32;
}

export function newMapping(kind: u32, id: u32): Mapping | null {
  const mapping = changetype<Mapping>(allocObject(SLAB_MAPPING, offsetof<Mapping>()));
  if (mapping == null) return null;
  mapping.kind = kind;
  mapping.id = id;
  return mapping;
}

function capacity(levels: u32): u64 {
  // Eleven levels would cover more than 64 bits of index.
  return levels >= 10 ? u64.MAX_VALUE : (<u64>1) << ((levels * NODE_BITS) as u64);
}

function slotOf(node: usize, index: u64, level: u32): usize {
  return node + ((<usize>((index >> ((level * NODE_BITS) as u64)) & (NODE_SLOTS - 1))) << 2);
}

/** The cached frame at page `index`, or 0. */
export function findPage(mapping: Mapping, index: u64): usize {
  let node = mapping.root;
  let level = mapping.levels;
  if (node == 0 || index >= capacity(level)) return 0;
  while (level > 0) {
    level--;
    node = <usize>load<u32>(slotOf(node, index, level));
    if (node == 0) return 0;
  }
  return node;
}

/** The same, but 0 for what fallocate() made and nobody used: folio_test_uptodate(). */
export function findUptodate(mapping: Mapping, index: u64): usize {
  const frame = findPage(mapping, index);
  return frame != 0 && pageFlags(frame) & PG_FALLOCATED ? 0 : frame;
}

/** The cached frame at page `index`, about to be used: what fallocate() made becomes a page like others. */
export function usePage(mapping: Mapping, index: u64): usize {
  const frame = findPage(mapping, index);
  if (frame != 0) setPageFlags(frame, pageFlags(frame) & ~PG_FALLOCATED);
  return frame;
}

/** Puts `frame` at page `index`, which must be empty; the tree takes over the caller's reference. */
export function insertPage(mapping: Mapping, index: u64, frame: usize): bool {
  if (mapping.root == 0) {
    let levels: u32 = 1;
    while (index >= capacity(levels)) levels++;
    const node = allocObject(SLAB_NODE, NODE_SIZE);
    if (node == 0) return false;
    mapping.root = node;
    mapping.levels = levels;
  }
  while (index >= capacity(mapping.levels)) {
    const top = allocObject(SLAB_NODE, NODE_SIZE);
    if (top == 0) return false;
    store<u32>(top, <u32>mapping.root);
    mapping.root = top;
    mapping.levels++;
  }
  let node = mapping.root;
  let level = mapping.levels - 1;
  while (level > 0) {
    const slot = slotOf(node, index, level);
    let child = <usize>load<u32>(slot);
    if (child == 0) {
      child = allocObject(SLAB_NODE, NODE_SIZE);
      if (child == 0) return false;
      store<u32>(slot, <u32>child);
    }
    node = child;
    level--;
  }
  store<u32>(slotOf(node, index, 0), <u32>frame);
  setPageFlags(frame, PG_CACHE);
  setPageOwner(frame, changetype<usize>(mapping));
  mapping.nrPages++;
  return true;
}

/** A new page at `index`; `zero` asks for zeros, otherwise its contents are the caller's to write. */
export function addPage(mapping: Mapping, index: u64, zero: bool): usize {
  const frame = zero ? allocZeroedFrame() : allocFrame();
  if (frame == 0) return 0;
  if (!insertPage(mapping, index, frame)) {
    putFrame(frame);
    return 0;
  }
  return frame;
}

/** The index of the first page in use from `index` on below `node`, whose first is `base`; MAX when none. */
function nextBelow(node: usize, level: u32, base: u64, index: u64): u64 {
  const span = (<u64>1) << ((level * NODE_BITS) as u64);
  for (let i: u64 = 0; i < NODE_SLOTS; i++) {
    const from = base + i * span;
    const child = <usize>load<u32>(node + ((<usize>i) << 2));
    if (child == 0 || from + (span - 1) < index) continue;
    if (level == 0) {
      if (pageFlags(child) & PG_FALLOCATED) continue;
      return from;
    }
    const found = nextBelow(child, level - 1, from, index);
    if (found != u64.MAX_VALUE) return found;
  }
  return u64.MAX_VALUE;
}

/** The index of the first page in use from `index` on; MAX when there is none. */
export function nextPage(mapping: Mapping, index: u64): u64 {
  if (mapping.root == 0) return u64.MAX_VALUE;
  return nextBelow(mapping.root, mapping.levels - 1, 0, index);
}

/** Drops the cached pages of [first, last] below `node`; true when the node has become empty. */
function dropBelow(
  mapping: Mapping,
  node: usize,
  level: u32,
  base: u64,
  first: u64,
  last: u64,
): bool {
  let used = false;
  const span = (<u64>1) << ((level * NODE_BITS) as u64);
  for (let i: u64 = 0; i < NODE_SLOTS; i++) {
    const slot = node + ((<usize>i) << 2);
    const child = <usize>load<u32>(slot);
    if (child == 0) continue;
    const from = base + i * span;
    const to = from + span - 1;
    if (to < first || from > last) {
      used = true;
    } else if (level == 0) {
      setPageFlags(child, pageFlags(child) & PG_CODE);
      setPageOwner(child, 0);
      putFrame(child);
      mapping.nrPages--;
      store<u32>(slot, 0);
    } else if (dropBelow(mapping, child, level - 1, from, first, last)) {
      store<u32>(slot, 0);
    } else {
      used = true;
    }
  }
  if (!used) freeObject(SLAB_NODE, node);
  return !used;
}

/** Forgets the cached pages from index `first` to `last` inclusive. */
export function dropPages(mapping: Mapping, first: u64, last: u64): void {
  if (mapping.root == 0 || first > last) return;
  if (dropBelow(mapping, mapping.root, mapping.levels - 1, 0, first, last)) {
    mapping.root = 0;
    mapping.levels = 0;
  }
}

/** Writes zeros over the bytes [from, to) of one cached page, if it is cached. */
export function zeroPart(mapping: Mapping, from: u64, to: u64): void {
  const frame = findPage(mapping, from >> PAGE_SHIFT);
  if (frame == 0) return;
  beforeWrite(frame);
  memory.fill(frame + <usize>(from & (PAGE_SIZE - 1)), 0, <usize>(to - from));
  setPageFlags(frame, pageFlags(frame) | PG_DIRTY);
  dropCode(frame);
}

export function freeMapping(mapping: Mapping): void {
  dropPages(mapping, 0, u64.MAX_VALUE);
  freeObject(SLAB_MAPPING, changetype<usize>(mapping));
}

/** Pages that the file's size covers: an access at or past this index is SIGBUS. */
export function sizeInPages(mapping: Mapping): u64 {
  return (mapping.size >> PAGE_SHIFT) + (mapping.size & (PAGE_SIZE - 1) ? 1 : 0);
}

/** What a VMA holds of an open file: struct file's part in vm_file. */
@unmanaged
export class VmFile {
  /** VMAs that hold it. */
  refs: u32;
  /** The host's name for the open file. */
  id: u32;
  /** Its page cache; null when mappings of it are anonymous memory (/dev/zero). */
  mapping: Mapping | null;
  /** Next of the files that lost their last VMA and wait for the host to put them. */
  nextReleased: VmFile | null;
}

let released: VmFile | null = null;

export function newVmFile(mapping: Mapping | null, id: u32): VmFile | null {
  const file = changetype<VmFile>(allocObject(SLAB_FILE, offsetof<VmFile>()));
  if (file == null) return null;
  file.refs = 1;
  file.id = id;
  file.mapping = mapping;
  return file;
}

export function putVmFile(file: VmFile): void {
  file.refs--;
  if (file.refs == 0) {
    file.nextReleased = released;
    released = file;
  }
}

export function hasReleasedFiles(): bool {
  return released != null;
}

/** The id of a file that no VMA holds any more, 0 when there is none: the host puts its reference. */
export function takeReleasedFile(): u32 {
  const file = released;
  if (file == null) return 0;
  released = file.nextReleased;
  const id = file.id;
  freeObject(SLAB_FILE, changetype<usize>(file));
  return id;
}
