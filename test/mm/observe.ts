import * as assert from 'uvu/assert';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Mm } from '../../src/mm/mm.js';
import { pagemapEntries, vmaStats } from '../../src/mm/pagemap.js';

const PRESENT = 1n << 63n;
const EXCLUSIVE = 1n << 56n;
const PFN = (1n << 55n) - 1n;
/** Proportional sizes keep so many fractions of a byte. */
const PSS_UNIT = 4096;

/** Every present page of some address spaces: the frame, and whether it is said to be exclusive. */
function mappedPages(mms: readonly Mm[]): { mm: Mm; addr: number; pfn: bigint; sole: boolean }[] {
  return mms.flatMap((mm) =>
    [...mm.vmas()].flatMap((vma) =>
      [...pagemapEntries(mm, vma.start, (vma.end - vma.start) / PAGE_SIZE)].flatMap((entry, i) =>
        (entry & PRESENT) === 0n
          ? []
          : [
              {
                mm,
                addr: vma.start + i * PAGE_SIZE,
                pfn: entry & PFN,
                sole: (entry & EXCLUSIVE) !== 0n,
              },
            ],
      ),
    ),
  );
}

/**
 * Holds pagemap and smaps of all address spaces of a core against each other: how many entries show a frame
 * is counted one by one, and what smaps says of shared, private and proportional sizes must be that.
 * @param zeroPfn the frame of the shared zero page, which smaps does not count
 */
export function checkReports(mms: readonly Mm[], zeroPfn: bigint): void {
  const pages = mappedPages(mms).filter(({ pfn }) => pfn !== zeroPfn);
  const counts = new Map<bigint, number>();
  for (const { pfn } of pages) counts.set(pfn, (counts.get(pfn) ?? 0) + 1);
  const countOf = (pfn: bigint): number => counts.get(pfn) ?? 0;
  for (const { pfn, sole } of pages) assert.is(sole, countOf(pfn) === 1, 'the exclusive bit');
  for (const mm of mms) {
    for (const vma of mm.vmas()) {
      const mine = pages.filter((at) => at.mm === mm && at.addr >= vma.start && at.addr < vma.end);
      const stats = vmaStats(mm, vma);
      const shared = mine.filter(({ pfn }) => countOf(pfn) > 1).length;
      assert.is(stats.rss, mine.length);
      assert.is(stats.sharedClean + stats.sharedDirty, shared);
      assert.is(stats.privateClean + stats.privateDirty, mine.length - shared);
      assert.is(stats.mapcountMax, Math.max(0, ...mine.map(({ pfn }) => countOf(pfn))));
      const share = (pfn: bigint): number => Math.floor((PAGE_SIZE * PSS_UNIT) / countOf(pfn));
      assert.is(
        stats.pss,
        mine.reduce((sum, { pfn }) => sum + share(pfn), 0),
      );
    }
    const { rssAnon, rssFile, rssShmem } = mm.counters();
    const resident = pages.filter((at) => at.mm === mm).length;
    assert.is(rssAnon + rssFile + rssShmem, resident);
  }
}
