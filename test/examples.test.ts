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
  'node-fs.mjs': ['target', 'read by a stream', '7 written', '// A machine', '7 written'],
  'streams.mjs': ['true', '4096', 'EIO'],
  'wasi.mjs': ['0', 'seen from WASI', 'SEEN from WASI', '29', '44', '2', '76'],
  'pyodide.mjs': [
    'target True',
    '/',
    'True 8192',
    'seen from Python',
    'seen from PYTHON',
    'I/O error',
    'Permission denied',
    'seen from PYTHON',
  ],
  'watchpoint.mjs': [
    'counter+0: 00 00 00 00 -> 01 00 00 00 (cpu, target)',
    'counter+0: 01 00 00 00 -> 02 00 00 00 (cpu, target)',
    'counter+3: 00 -> ff (mem, friend)',
    'counter+1: 00 00 ff -> 07 08 09 (process_vm, friend)',
    'breakpoint',
    'consistent',
  ],
  'mmio.mjs': ['hello', 'rw-s … /ttyS0', 'mem: EIO', 'process_vm_readv: EFAULT', 'SIGBUS'],
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
  'fallback.mjs': [
    'nothing wrong: all by readv',
    'forbidden by seccomp: all by readv mem',
    'forbidden half way: all by readv readv mem',
    'a protected page: all by readv readv mem',
    'short reads only: all by readv readv readv',
    'it exits between the two: the process has gone',
    'and no mem either: ENOENT',
  ],
  'changed-pages.mjs': [
    'first: 1000 pages, the same: true',
    ...[1, 2].flatMap((round) => [
      `round ${round}: 0 changed`,
      `  pages 0 7 8 ${500 + round}, the same before: false, after: true`,
      '  the old state is still there: 1',
    ]),
  ],
  'supervisor-race.mjs': [
    'swap, check and continue: 3 of 20 orders are lost, such as ssooso',
    'swap, read once: 0 of 20 orders are lost',
    'reuse, valid then open: 1 of 13 orders are lost, such as soooss',
    'reuse, open then valid: 0 of 13 orders are lost',
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
