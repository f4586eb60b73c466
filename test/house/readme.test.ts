// The README's example is run as it stands, against the package as others import it.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from './tree.js';

const test = suite('house/readme');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

test('the example prints what its comments say', () => {
  const code = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const file = join(ROOT, 'dist', 'readme-example.mjs');
  writeFileSync(file, code);
  try {
    const printed = execFileSync(process.execPath, [file], { encoding: 'utf8' });
    const said = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map((match) => match[1]);
    assert.is(printed, `${said.join('\n')}\n`);
    assert.ok(said.length > 0);
  } finally {
    rmSync(file);
  }
});

test('every file it links to is there', () => {
  for (const [, target] of readme.matchAll(/(?:\]\(|src=")([^)"#]+)[)"]/g)) {
    if (target === undefined || target.startsWith('./node_modules')) continue;
    assert.not.throws(() => readFileSync(join(ROOT, target)), target);
  }
});

test.run();
