import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { readdir } from '../../src/vfs/readdir.js';
import { vfsStatat } from '../../src/vfs/stat.js';
import type { SpawnOptions } from '../kernel/fixture.js';
import { boot, outcome, tryOpen } from '../vfs/fixture.js';

type Hidepid = 0 | 1 | 2 | 4;

/** What an observer gets of another's /proc/PID: stat, an entry below, and whether it is listed. */
function view(hidepid: Hidepid, observer: SpawnOptions): string {
  const { spawn } = boot({ hidepid, gid: 50 });
  const target = spawn({ uid: 1000 });
  const task = spawn(observer);
  const dir = `/proc/${target.pid}`;
  const stat = outcome(() => vfsStatat(task, -100, dir, 0).mode.toString(8));
  const listed = readdir(task, '/proc').some(({ name }) => name === String(target.pid));
  return `${stat} ${tryOpen(task, `${dir}/stat`)} ${listed ? 'listed' : 'hidden'}`;
}

const SEEN = '40555 ok listed';
const HIDDEN = 'ENOENT ENOENT hidden';

/** hidepid, observer, what it sees (K-007). */
const ROWS: readonly (readonly [Hidepid, SpawnOptions, string])[] = [
  [0, { uid: 1001 }, SEEN],
  [1, { uid: 1001 }, '40555 EPERM listed'],
  [1, { uid: 1001, gid: 50 }, SEEN],
  [1, { uid: 1001, groups: [50] }, SEEN],
  [1, { uid: 1000 }, SEEN],
  [2, { uid: 1001 }, HIDDEN],
  [2, { uid: 1001, gid: 50 }, SEEN],
  [2, { uid: 1000 }, SEEN],
  [2, { uid: 0 }, SEEN],
  [4, { uid: 1001 }, HIDDEN],
  [4, { uid: 1001, gid: 50 }, HIDDEN],
  [4, { uid: 1000 }, SEEN],
];

const test = suite('procfs/hidepid');

for (const [hidepid, observer, expected] of ROWS) {
  test(`hidepid=${hidepid} seen by ${JSON.stringify(observer)} (K-007)`, () => {
    assert.is(view(hidepid, observer), expected);
  });
}

test('a mount without mem has all but mem', () => {
  const { spawn } = boot({ mem: false });
  const task = spawn();
  assert.is(tryOpen(task, '/proc/self/mem'), 'ENOENT');
  assert.is(tryOpen(task, '/proc/thread-self/mem'), 'ENOENT');
  assert.is(tryOpen(task, '/proc/self/maps'), 'ok');
  assert.not(readdir(task, '/proc/self').some(({ name }) => name === 'mem'));
});

test.run();
