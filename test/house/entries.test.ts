// A checkpoint copies no page table: whoever stores an entry has what was there copied aside first. A store
// that goes past storeEntry() would be in the checkpoint, too, and only a restore would show it.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  describeFindings,
  findAll,
  type Finding,
  listSources,
  readText,
  stripComments,
} from './tree.js';

/** A store to what the code calls the place of an entry. */
const PAST_STORE_ENTRY = /\bstore<u(?:8|16|32|64)>\(\s*(?:slot|entry|mm\.walkEntry|shared)\b/;
/** Where entries are stored; those of the TLB, of the page caches' tables, and of what pagemap gives. */
const OWN = ['pgtable', 'tlb', 'mapping', 'code'].map((name) => `assembly/mm/${name}.ts`);

function findStores(path: string, source: string): Finding[] {
  return findAll(path, stripComments(source), PAST_STORE_ENTRY);
}

const test = suite('house/entries');

test('page-table entries are stored by storeEntry() alone', () => {
  const sources = listSources('assembly').filter((path) => !OWN.includes(path));
  const findings = sources.flatMap((path) => findStores(path, readText(path)));
  assert.is(describeFindings(findings), '');
});

test('storeEntry() has the table kept before it stores', () => {
  const source = stripComments(readText('assembly/mm/pgtable.ts'));
  const [body = ''] = /function storeEntry\([^]*?\n}/.exec(source) ?? [];
  assert.match(body, /beforeWrite\(entry & [^]*store<u64>\(entry/);
  assert.is(findStores('pgtable.ts', source).length, 1, 'and nobody else there stores one');
});

for (const source of [
  'store<u64>(slot, 0);',
  'store<u64>(\n  slot,\n  pte);',
  'if (a) store<u64>(entry, pte);',
  'store<u64>(mm.walkEntry, 0);',
  'store<u64>(shared + offset, pte);',
  'store<u32>(slot, 0, 4);',
]) {
  test(`the rule finds ${JSON.stringify(source)}`, () => {
    assert.is(findStores('a.ts', source).length, 1);
  });
}

for (const source of [
  'storeEntry(slot, pte);',
  'store<u64>(copy + offset, pte);',
  '// store<u64>(slot, pte)',
  'load<u64>(slot)',
]) {
  test(`the rule leaves ${JSON.stringify(source)} alone`, () => {
    assert.is(findStores('a.ts', source).length, 0);
  });
}

test.run();
