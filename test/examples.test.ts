// Each example is run as a user runs it, and prints what it promises.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from './house/tree.js';

const test = suite('examples');
const EXAMPLES = join(ROOT, 'examples');
const TRACER = "caller has CAP_SYS_PTRACE in the target's user namespace";
const SCOPE = 'ptrace_scope permits attaching';

/** What each prints, line by line. */
const OUTPUT: Readonly<Record<string, readonly string[]>> = {
  'registers.mjs': ['65', '5', 'hello', '-5', 'true SEGV_ACCERR'],
  'error-paths.mjs': [
    'up to the hole: 2048',
    'in the hole: EIO',
    'into shared read-only memory: EIO',
    'by process_vm_readv: EFAULT',
    'the file of a zombie, held open: 0',
    'opened now: ESRCH',
    'after the reap: ENOENT',
  ],
  'time-travel.mjs': [
    'at the end: 6565656565656565',
    'destroyed by step 613',
    'in the file: feed',
    'held by checkpoints: 0',
  ],
  'why-denied.mjs': [
    ...scope(0, ['may', SCOPE], ['may', SCOPE], ['may', SCOPE]),
    ...scope(
      1,
      ['may', 'target descends from the caller or declared it as tracer'],
      ['may not', TRACER],
      ['may', TRACER],
    ),
    ...scope(2, ['may not', TRACER], ['may not', TRACER], ['may', TRACER]),
    ...scope(3, ['may not', SCOPE], ['may not', SCOPE], ['may not', SCOPE]),
  ],
};

function scope(value: number, ...answers: readonly (readonly [string, string])[]): string[] {
  const callers = ['parent', 'sibling', 'root'];
  return [
    `kernel.yama.ptrace_scope = ${value}`,
    ...answers.map(([may, check], i) => `  ${callers[i]?.padEnd(8)} ${may}, decided by: ${check}`),
  ];
}

for (const name of readdirSync(EXAMPLES).filter((file) => file.endsWith('.mjs'))) {
  test(`examples/${name} prints what it promises`, () => {
    const printed = execFileSync(process.execPath, [join(EXAMPLES, name)], { encoding: 'utf8' });
    assert.equal(printed.trimEnd().split('\n'), OUTPUT[name]);
  });
}

test.run();
