// Files that shrink or get holes while they are mapped: mm/truncate.c.
import { PAGE_OFFSET_MASK, PAGE_SHIFT, PAGE_SIZE } from '../abi/page';
import { Mapping, dropPages, sizeInPages, zeroPart } from './mapping';
import { ZAP_FILE_PAGES, ZAP_PAGES, unmapMappingPages } from './zap';

/**
 * truncate_setsize(): pages past the new end leave every mapping, private copies too, and the rest of
 * the last page becomes zeros.
 */
export function setSize(mapping: Mapping, size: u64): void {
  const old = mapping.size;
  mapping.size = size;
  // The same size cuts as well: pages beyond it go, and the last one becomes dirty.
  if (size > old) return;
  const first = sizeInPages(mapping);
  unmapMappingPages(mapping, first, u64.MAX_VALUE, ZAP_PAGES);
  if (size & PAGE_OFFSET_MASK) zeroPart(mapping, size, (size | PAGE_OFFSET_MASK) + 1);
  dropPages(mapping, first, u64.MAX_VALUE);
}

/**
 * fallocate(PUNCH_HOLE): whole pages go, private copies stay; parts of pages become zeros. A hole that ends in
 * the first page unmaps, but keeps, all pages from there on: in shmem_fallocate() the last byte to unmap is -1.
 */
export function punchHole(mapping: Mapping, start: u64, end: u64): void {
  const first = (start + PAGE_SIZE - 1) >> PAGE_SHIFT;
  const last = end >> PAGE_SHIFT;
  if (last == 0) unmapMappingPages(mapping, first, u64.MAX_VALUE, ZAP_FILE_PAGES);
  if (first > last) {
    zeroPart(mapping, start, end);
    return;
  }
  if (start & PAGE_OFFSET_MASK) zeroPart(mapping, start, first << PAGE_SHIFT);
  if (end & PAGE_OFFSET_MASK) zeroPart(mapping, last << PAGE_SHIFT, end);
  if (first == last) return;
  unmapMappingPages(mapping, first, last - 1, ZAP_FILE_PAGES);
  dropPages(mapping, first, last - 1);
}
