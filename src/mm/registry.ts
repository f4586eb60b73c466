import type { Core } from '../wasm/core.js';
import type { Mm } from './mm.js';
import type { PageCache } from './page-cache.js';
import { SideTable } from '../side-table.js';

/** The address spaces and page caches that hold memory of a core now. */
export interface LiveObjects {
  readonly mms: Set<Mm>;
  readonly caches: Set<PageCache>;
}

const registry = new SideTable<Core, LiveObjects>('live memory', 'Core');

/** The live objects of a core; constructors add to them, and whoever frees the memory takes away. */
export function liveObjects(core: Core): LiveObjects {
  let live = registry.get(core);
  if (live === undefined) {
    live = { mms: new Set(), caches: new Set() };
    registry.set(core, live);
  }
  return live;
}

/** After loadState(): every address space keeps its number of the TLB. */
export function keepSalts(core: Core): void {
  for (const { ptr } of liveObjects(core).mms) core.exports.mmKeepSalt(ptr);
}
