import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { outOfMemory } from '../../src/kernel/oom-kill.js';
import { Machine, type Task } from '../../src/index.js';

const test = suite('kernel/oom-kill');
const MIB = 2 ** 20;

const machine = await Machine.create({ memory: 64 * MIB, profile: { totalRam: 64 * MIB } });
const atRest = machine.stats().framesInUse;

/** A process that uses so many pages. */
function hog(comm: string, pages: number, adjust = 0): Task {
  const task = machine.spawn({ comm, uid: 7 });
  const place = Number(task.mmap({ length: pages * 4096, prot: 3 }));
  for (let i = 0; i < pages; i++) task.store64(place + i * 4096, 1n);
  const root = machine.spawn();
  root.writeFile(`/proc/${task.pid}/oom_score_adj`, String(adjust));
  root.exit();
  return task;
}

const named = (line: string | null): string => /\((.*)\)/.exec(line ?? '')?.[1] ?? 'nobody';

/** Who is there, by name, pages and oom_score_adj, and who is killed, in turn. */
const ROWS: readonly (readonly [
  about: string,
  tasks: readonly (readonly [string, number, number])[],
  killed: string,
])[] = [
  [
    'the one that uses most goes first',
    [
      ['a', 10, 0],
      ['b', 30, 0],
      ['c', 20, 0],
    ],
    'b c a nobody',
  ],
  [
    'of equal ones the youngest',
    [
      ['a', 10, 0],
      ['b', 10, 0],
    ],
    'b a nobody',
  ],
  [
    'a thousandth of all memory is 16 pages',
    [
      ['a', 30, 0],
      ['b', 20, 1],
    ],
    'b a nobody',
  ],
  [
    'who is worth less goes later',
    [
      ['a', 30, -2],
      ['b', 5, 0],
    ],
    'b a nobody',
  ],
  [
    'who is exempt never goes',
    [
      ['a', 30, -1000],
      ['b', 5, 0],
    ],
    'b nobody',
  ],
];

for (const [about, wanted, killed] of ROWS) {
  test(about, () => {
    const tasks = wanted.map(([name, pages, adjust]) => hog(name, pages, adjust));
    const seen: string[] = [];
    while (seen.at(-1) !== 'nobody') seen.push(named(outOfMemory(machine.kernel)));
    assert.is(seen.join(' '), killed);
    for (const task of tasks) if (!task.struct.exited) task.exit();
  });
}

test('the log says what Linux’s does', () => {
  const task = hog('big', 100);
  const line = outOfMemory(machine.kernel) ?? '';
  assert.match(
    line,
    new RegExp(
      `^Out of memory: Killed process ${task.pid} \\(big\\) total-vm:\\d+kB, anon-rss:400kB, file-rss:0kB, ` +
        'shmem-rss:0kB, UID:7 pgtables:\\d+kB oom_score_adj:0$',
    ),
  );
  assert.is(task.struct.killedBy, null);
  assert.ok(task.struct.exited);
});

test('who shares the memory goes with it', () => {
  const task = hog('shared', 50);
  const other = machine.syscall(task, 'clone', [0x100 | 17, 0, 0, 0, 0]);
  outOfMemory(machine.kernel);
  assert.is(machine.task(Number(other)), null);
  assert.ok(task.struct.exited);
});

test('every page is back', () => {
  assert.is(machine.stats().framesInUse, atRest);
});

test.run();
