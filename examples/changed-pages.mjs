// Reads only the pages that changed. A fork shares every page until one side writes to it; the writer then
// has a copy of its own, and bit 56 of /proc/PID/pagemap says so: mapped by nobody else. A child that only
// waits is therefore both the old state and the mark of what is new. It works for private memory, on any Linux
// since 4.2, without soft-dirty bits or userfaultfd.
import { Machine } from 'procmem';

const PAGE = 4096;
const PAGES = 1000;
const EXCLUSIVE = 1n << 56n;

const machine = await Machine.create();
const target = machine.spawn({ comm: 'target' });
const scanner = machine.spawn({ comm: 'scanner' });
const addr = target.mmap({ length: PAGES * PAGE });
target.store(addr, new Uint8Array(PAGES * PAGE).fill(1));

/** Page numbers that the target has for itself alone. */
function changedPages() {
  const entries = new BigUint64Array(PAGES);
  const pagemap = scanner.open(`/proc/${target.pid}/pagemap`);
  pagemap.pread(new Uint8Array(entries.buffer), (addr / 4096n) * 8n);
  pagemap.close();
  return [...entries.keys()].filter((page) => entries[page] & EXCLUSIVE);
}

/** Brings a copy up to date; returns the pages it had to read. */
function refresh(copy) {
  const mem = scanner.open(`/proc/${target.pid}/mem`);
  const pages = changedPages();
  for (const page of pages) {
    mem.pread(copy.subarray(page * PAGE, (page + 1) * PAGE), addr + BigInt(page * PAGE));
  }
  mem.close();
  return pages;
}

const copy = new Uint8Array(PAGES * PAGE);
const isSame = () => Buffer.compare(copy, target.load(addr, PAGES * PAGE)) === 0;
console.log(`first: ${refresh(copy).length} pages, the same: ${isSame()}`);

for (const round of [1, 2]) {
  const old = target.fork(); // from here on everything is shared
  console.log(`round ${round}: ${changedPages().length} changed`);
  for (const page of [7, 8, 500 + round]) target.store8(addr + BigInt(page * PAGE), round);
  scanner.open(`/proc/${target.pid}/mem`, 'r+').pwrite(new Uint8Array(1), addr + 3n);
  const before = isSame();
  console.log(`  pages ${refresh(copy).join(' ')}, the same before: ${before}, after: ${isSame()}`);
  console.log(`  the old state is still there: ${old.load8(addr + 7n * 4096n)}`);
  old.exit();
  target.wait();
}
