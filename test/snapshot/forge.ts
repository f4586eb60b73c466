import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { BytesSource } from '../../src/elf/source.js';
import { checksum } from '../../src/mm/checksum.js';
import * as container from '../../src/snapshot/container.js';
import { Core } from '../../src/wasm/core.js';

const core = await Core.create({ memory: 2 ** 21 });

/** The sections of a snapshot. */
export function sectionsOf(bytes: Uint8Array): container.Section[] {
  return container.readTable(core, new BytesSource('snapshot', bytes));
}

/** Every byte where something begins or ends. */
export function bordersOf(bytes: Uint8Array): number[] {
  const borders = sectionsOf(bytes).flatMap(({ offset, length }) => [offset, offset + length]);
  return [...new Set([0, 8, PAGE_SIZE, ...borders, bytes.length])].sort((a, b) => a - b);
}

/** A copy in which one section was changed, with checksums that agree: what only an attacker makes. */
export function forge(
  bytes: Uint8Array,
  kind: number,
  change: (section: Uint8Array) => void,
): Uint8Array {
  const copy = bytes.slice();
  const sections = sectionsOf(bytes).map((section) => {
    if (section.kind !== kind) return section;
    const { offset, length } = section;
    change(copy.subarray(offset, offset + length));
    return {
      ...section,
      checksum: checksum(core, copy.subarray(offset, offset + container.pagesUp(length))),
    };
  });
  const table = bytes.length - container.tableBytes(sections.length);
  copy.set(container.encodeTable(core, sections, table), table);
  return copy;
}
