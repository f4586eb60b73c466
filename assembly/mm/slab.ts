// Small kernel objects carved from frames. A slab page keeps its state in its page struct:
//
//   refcount   objects in use      mapcount   first free object
//   flags      PG_SLAB | previous page with room        owner   next page with room
//
// A page with no object left goes back to the frames at once.
import { PG_SLAB } from '../abi/layout';
import { PAGE_SIZE } from '../abi/page';
import { allocFrame, pageStruct, putFrame } from './frame';

export const SLAB_VMA: u32 = 0;
export const SLAB_MM: u32 = 1;
export const SLAB_MAPPING: u32 = 2;
export const SLAB_FILE: u32 = 3;
export const SLAB_NODE: u32 = 4;
export const SLAB_CACHES = 5;
const FRAME_MASK: u32 = ~0xfff;

/** Per cache: the first page with a free object. */
const partial = memory.data(SLAB_CACHES * 4);

/** Where the heads lie, and their bytes: part of an image of the machine. */
export function slabHeads(): usize {
  return partial;
}

function firstPartial(cache: u32): usize {
  return load<u32>(partial + (cache << 2));
}

function setFirstPartial(cache: u32, frame: usize): void {
  store<u32>(partial + (cache << 2), <u32>frame);
}

function link(cache: u32, frame: usize): void {
  const head = firstPartial(cache);
  store<u32>(pageStruct(frame), PG_SLAB, 8);
  store<u32>(pageStruct(frame), <u32>head, 12);
  if (head) store<u32>(pageStruct(head), PG_SLAB | (<u32>frame), 8);
  setFirstPartial(cache, frame);
}

function unlink(cache: u32, frame: usize): void {
  const page = pageStruct(frame);
  const prev = <usize>(load<u32>(page, 8) & FRAME_MASK);
  const next = <usize>load<u32>(page, 12);
  if (prev) store<u32>(pageStruct(prev), <u32>next, 12);
  else setFirstPartial(cache, next);
  if (next) store<u32>(pageStruct(next), PG_SLAB | (<u32>prev), 8);
}

function newPage(cache: u32, size: usize): usize {
  const frame = allocFrame();
  if (frame == 0) return 0;
  let object = frame;
  const last = frame + (<usize>PAGE_SIZE / size - 1) * size;
  while (object < last) {
    store<u32>(object, <u32>(object + size));
    object += size;
  }
  store<u32>(last, 0);
  const page = pageStruct(frame);
  // The count of objects in use takes the place of the reference that allocFrame gave.
  store<u32>(page, 0);
  store<u32>(page, <u32>frame, 4);
  link(cache, frame);
  return frame;
}

/** An object of `size` zero bytes; 0 when memory is exhausted. */
export function allocObject(cache: u32, size: usize): usize {
  let frame = firstPartial(cache);
  if (frame == 0) {
    frame = newPage(cache, size);
    if (frame == 0) return 0;
  }
  const page = pageStruct(frame);
  const object = <usize>load<u32>(page, 4);
  const next = load<u32>(object);
  store<u32>(page, next, 4);
  store<u32>(page, load<u32>(page) + 1);
  if (next == 0) unlink(cache, frame);
  clear(object, size);
  return object;
}

/** memory.fill() of a few words, which costs a call of the engine. */
function clear(object: usize, size: usize): void {
  const end = object + (size & ~7);
  let at = object;
  for (; at < end; at += 8) store<u64>(at, 0);
  if (size & 4) store<u32>(at, 0);
}

export function freeObject(cache: u32, object: usize): void {
  const frame = object & (<usize>FRAME_MASK);
  const page = pageStruct(frame);
  const head = load<u32>(page, 4);
  store<u32>(object, head);
  store<u32>(page, <u32>object, 4);
  if (head == 0) link(cache, frame);
  const inUse = load<u32>(page) - 1;
  if (inUse == 0) {
    unlink(cache, frame);
    store<u32>(page, 1);
    putFrame(frame);
  } else {
    store<u32>(page, inUse);
  }
}
