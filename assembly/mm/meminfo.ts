// What the memory of the machine is used for, as /proc/meminfo shows it: fs/proc/meminfo.c.
import {
  FRAMES_ANON,
  FRAMES_FILE,
  FRAMES_MAPPED,
  FRAMES_SHMEM,
  FRAMES_SIZE,
  FRAMES_SLAB,
  FRAMES_TABLE,
  PG_ANON,
  PG_CACHE,
  PG_SLAB,
  PG_TABLE,
  SECTION_HEAD,
  SECTION_SIZE,
} from '../abi/layout';
import { PAGE_SIZE } from '../abi/page';
import { framesEnd, mapcount, pageFlags, pageOwner, refcount, reservedFrames } from './frame';
import { MAPPING_HOST, Mapping } from './mapping';

const record = memory.data(24, 8);

function add(field: usize): void {
  store<u32>(record + field, load<u32>(record + field) + 1);
}

function countFrame(frame: usize): void {
  const flags = pageFlags(frame);
  if (flags & PG_TABLE) add(FRAMES_TABLE);
  else if (flags & PG_SLAB) add(FRAMES_SLAB);
  else if (flags & PG_ANON) add(FRAMES_ANON);
  else if (flags & PG_CACHE) {
    const host = changetype<Mapping>(pageOwner(frame)).kind == MAPPING_HOST;
    add(host ? FRAMES_FILE : FRAMES_SHMEM);
    if (mapcount(frame) > 0) add(FRAMES_MAPPED);
  }
}

/** Counts the frames in use by kind; gives the place of the record (abi/layout.ts, FRAMES_*). */
export function countFrames(): usize {
  memory.fill(record, 0, FRAMES_SIZE);
  // A table that two share is two tables to everybody else.
  store<u32>(record, reservedFrames(), FRAMES_TABLE);
  const end = framesEnd();
  let frame: usize = SECTION_HEAD;
  while (frame < end) {
    if (refcount(frame) != 0) countFrame(frame);
    frame += PAGE_SIZE;
    // The last section may end where addresses do.
    if ((frame & (SECTION_SIZE - 1)) == 0) {
      if (frame == 0) break;
      frame += SECTION_HEAD;
    }
  }
  return record;
}
