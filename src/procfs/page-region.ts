import { PAGE_SIZE } from '../../assembly/abi/page.js';

/** Ranges that are kept before they are stored: PAGEMAP_WALK_SIZE >> PAGE_SHIFT. */
const BUFFER_REGIONS = 512;
const REGION_SIZE = 24;

/** Neighbouring pages of one category (struct page_region of include/uapi/linux/fs.h). */
interface PageRegion {
  readonly start: number;
  end: number;
  readonly categories: number;
}

/**
 * What PAGEMAP_SCAN found and has not stored yet, and how much more it may find (struct
 * pagemap_scan_private).
 */
export class RegionList {
  private regions: PageRegion[] = [];
  /** Ranges that still fit where the caller wants them. */
  private room: number;
  /** Pages that may still be found. */
  private pagesLeft: number;

  /**
   * @param room ranges that fit; 0: nothing is kept
   * @param maxPages pages, or Infinity
   */
  constructor(room: number, maxPages: number) {
    this.room = room;
    this.pagesLeft = maxPages;
  }

  /** Whether nothing more may be found. */
  get isComplete(): boolean {
    return this.room === 0 || this.pagesLeft === 0;
  }

  /**
   * Adds a range, joined to the last one where it goes on from that.
   * @returns null, or the address up to which there was room
   * @see fs/proc/task_mmu.c pagemap_scan_output()
   */
  add(start: number, end: number, categories: number): number | null {
    if (this.room === 0) return null;
    const allowed = Math.min(end, start + this.pagesLeft * PAGE_SIZE);
    if (allowed === start || !this.push(start, allowed, categories)) return start;
    this.pagesLeft -= (allowed - start) / PAGE_SIZE;
    return allowed < end ? allowed : null;
  }

  /** fs/proc/task_mmu.c pagemap_scan_push_range() */
  private push(start: number, end: number, categories: number): boolean {
    const last = this.regions.at(-1);
    if (last !== undefined && last.end === start && last.categories === categories) {
      last.end = end;
      return true;
    }
    if (this.regions.length >= Math.min(BUFFER_REGIONS, this.room)) return false;
    this.regions.push({ start, end, categories });
    return true;
  }

  /** The ranges kept, as bytes, which are then forgotten (pagemap_scan_flush_buffer()). */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.regions.length * REGION_SIZE);
    const view = new DataView(bytes.buffer);
    for (const [i, { start, end, categories }] of this.regions.entries()) {
      for (const [word, value] of [start, end, categories].entries())
        view.setBigUint64(i * REGION_SIZE + word * 8, BigInt(value), true);
    }
    this.room -= this.regions.length;
    this.regions = [];
    return bytes;
  }
}
