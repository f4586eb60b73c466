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

/**
 * asc miscompiles a loop without a condition whose body ends in `break` or `continue`: the code
 * after the loop vanishes. `while (true)` is compiled right.
 */
const ENDLESS_FOR = /\bfor\s*\([^;()]*;\s*;/;

function findEndlessFors(path: string, source: string): Finding[] {
  return findAll(path, stripComments(source), ENDLESS_FOR);
}

const test = suite('house/for-loop');

test('no loop under assembly/ is a for without a condition', () => {
  const findings = listSources('assembly').flatMap((path) => findEndlessFors(path, readText(path)));
  assert.is(describeFindings(findings), '');
});

for (const source of [
  'for (;;) {}',
  'for(;;){}',
  'for (\n  ; ; ) break;',
  'for ( ;\t; i++) {}',
  'for (let i = 0; ; i++) {}',
  'for (;/* for ever */;) {}',
]) {
  test(`the rule finds ${JSON.stringify(source)}`, () => {
    assert.is(findEndlessFors('a.ts', source).length, 1);
  });
}

for (const source of [
  'for (let i = 0; i < n; i++) {}',
  'for (; ptr != 0; ptr = next(ptr)) {}',
  'while (true) {}',
  '// not for (;;): asc drops what follows',
  '/* for (;;) */',
]) {
  test(`the rule leaves ${JSON.stringify(source)} alone`, () => {
    assert.is(findEndlessFors('a.ts', source).length, 0);
  });
}

test('a finding names the file and the line', () => {
  const findings = findEndlessFors('assembly/x.ts', 'let a = 1;\n\nfor (;;) {}');
  assert.is(describeFindings(findings), 'assembly/x.ts:3: for (;;');
});

test.run();
