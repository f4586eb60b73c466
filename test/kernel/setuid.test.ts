import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CAP_SETGID, CAP_SETPCAP, CAP_SETUID, capMask } from '../../src/kernel/capability.js';
import { SECBIT_KEEP_CAPS, SECBIT_NO_SETUID_FIXUP } from '../../src/kernel/cred.js';
import {
  sysGetgroups,
  sysSetfsgid,
  sysSetgid,
  sysSetgroups,
  sysSetregid,
  sysSetresgid,
} from '../../src/kernel/setgid.js';
import { sysSetfsuid, sysSetresuid, sysSetreuid, sysSetuid } from '../../src/kernel/setuid.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import type { SpawnOptions } from './fixture.js';
import { caps, gids, makeKernel, outcome, spawn, uids } from './fixture.js';

/** A start, calls, the error of the last one (undefined for none) and the ids after it. */
type Row = [SpawnOptions, ((task: TaskStruct) => unknown)[], string | undefined, string];

function check(rows: readonly Row[], shown: (task: TaskStruct) => string): void {
  for (const [start, calls, error, expected] of rows) {
    const task = spawn(makeKernel(), start);
    let last: unknown;
    for (const call of calls) last = outcome(() => call(task));
    const label = `${JSON.stringify(start, big)}: ${calls.join('; ')}`;
    assert.is(typeof last === 'string' ? last : undefined, error, label);
    assert.is(shown(task), expected, label);
  }
}

function big(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString(16) : value;
}

const THREE = { uid: [1000, 1001, 1002] as const };
const SETUID = { uid: 1000, caps: capMask(CAP_SETUID) };

const users = suite('kernel/setuid');

users('setuid sets all ids with CAP_SETUID, else the effective to real or saved (K-400)', () => {
  check(
    [
      [{}, [(t) => sysSetuid(t, 1000)], undefined, '1000,1000,1000,1000'],
      [SETUID, [(t) => sysSetuid(t, 5)], undefined, '5,5,5,5'],
      [{ uid: 0, caps: 0n }, [(t) => sysSetuid(t, 5)], 'EPERM', '0,0,0,0'],
      [{ uid: 1000 }, [(t) => sysSetuid(t, 0)], 'EPERM', '1000,1000,1000,1000'],
      [THREE, [(t) => sysSetuid(t, 1000)], undefined, '1000,1000,1002,1000'],
      [THREE, [(t) => sysSetuid(t, 1002)], undefined, '1000,1002,1002,1002'],
      [THREE, [(t) => sysSetuid(t, 1001)], 'EPERM', '1000,1001,1002,1001'],
      [{}, [(t) => sysSetuid(t, -1)], 'EINVAL', '0,0,0,0'],
      [{}, [(t) => sysSetuid(t, 0xffffffff)], 'EINVAL', '0,0,0,0'],
      [{}, [(t) => sysSetuid(t, 0xfffffffe)], undefined, Array(4).fill(0xfffffffe).join()],
    ],
    uids,
  );
});

users('setreuid moves the saved id by the rule of K-401', () => {
  const re =
    (ruid: number, euid: number) =>
    (t: TaskStruct): void =>
      sysSetreuid(t, ruid, euid);
  check(
    [
      [THREE, [re(-1, 1000)], undefined, '1000,1000,1002,1000'],
      [THREE, [re(-1, 1001)], undefined, '1000,1001,1001,1001'],
      [THREE, [re(-1, 1002)], undefined, '1000,1002,1002,1002'],
      [THREE, [re(1000, -1)], undefined, '1000,1001,1001,1001'],
      [THREE, [re(1001, -1)], undefined, '1001,1001,1001,1001'],
      [THREE, [re(1002, -1)], 'EPERM', '1000,1001,1002,1001'],
      [THREE, [re(1000, 1001)], undefined, '1000,1001,1001,1001'],
      [THREE, [re(1001, 1002)], undefined, '1001,1002,1002,1002'],
      [{ uid: [1000, 1001, 1001] }, [re(1001, 1000)], undefined, '1001,1000,1000,1000'],
      [{}, [re(7, 8)], undefined, '7,8,8,8'],
      [{ fsuid: 1000 }, [re(-1, -1)], undefined, '0,0,0,0'],
    ],
    uids,
  );
});

users('setresuid takes any of the three, or none at all (K-402)', () => {
  const res =
    (...three: [number, number, number]) =>
    (t: TaskStruct): void =>
      sysSetresuid(t, ...three);
  check(
    [
      [THREE, [res(1002, 1000, 1001)], undefined, '1002,1000,1001,1000'],
      [THREE, [res(1003, -1, -1)], 'EPERM', '1000,1001,1002,1001'],
      [THREE, [res(1002, 1000, 5)], 'EPERM', '1000,1001,1002,1001'],
      [{ uid: 1000 }, [res(-1, -1, -1)], undefined, '1000,1000,1000,1000'],
      [{}, [res(1, 2, 3)], undefined, '1,2,3,2'],
      // Nothing differs: not even the filesystem id comes back.
      [{ fsuid: 1000 }, [res(-1, -1, -1)], undefined, '0,0,0,1000'],
      [{ fsuid: 1000 }, [res(-1, 0, -1)], undefined, '0,0,0,0'],
    ],
    uids,
  );
});

users('setfsuid gives the previous id and ignores what it refuses (K-403)', () => {
  const task = spawn(makeKernel(), THREE);
  const rows: [number, number, string][] = [
    [1002, 1001, '1000,1001,1002,1002'],
    [5, 1002, '1000,1001,1002,1002'],
    [-1, 1002, '1000,1001,1002,1002'],
    [1000, 1002, '1000,1001,1002,1000'],
  ];
  for (const [uid, previous, expected] of rows) {
    assert.is(sysSetfsuid(task, uid), previous);
    assert.is(uids(task), expected);
  }
  const able = spawn(makeKernel(), SETUID);
  assert.is(sysSetfsuid(able, 5), 1000);
  assert.is(uids(able), '1000,1000,1000,5');
});

users.run();

const FULL = '1ffffffffff';

const fixup = suite('kernel/lsm/capability: setuid fixup');

fixup('leaving root loses capabilities, coming back raises them (K-405)', () => {
  const away = (t: TaskStruct): void => sysSetresuid(t, -1, 1000, -1);
  const back = (t: TaskStruct): void => sysSetresuid(t, -1, 0, -1);
  const keep = { cred: { securebits: SECBIT_KEEP_CAPS } };
  const noFixup = { cred: { securebits: SECBIT_NO_SETUID_FIXUP } };
  const ambient = { capInheritable: 2n, capAmbient: 2n };
  check(
    [
      [{}, [(t) => sysSetuid(t, 1000)], undefined, '0,0,0,0'],
      [{}, [away], undefined, `${FULL},0,0,0`],
      [{}, [away, back], undefined, `${FULL},${FULL},0,0`],
      [{}, [(t) => sysSetresuid(t, 1000, 1000, 0)], undefined, `${FULL},0,0,0`],
      [keep, [(t) => sysSetuid(t, 1000)], undefined, `${FULL},0,0,0`],
      [noFixup, [(t) => sysSetuid(t, 1000)], undefined, `${FULL},${FULL},0,0`],
      [{ cred: ambient }, [(t) => sysSetuid(t, 1000)], undefined, '0,0,0,2'],
      [
        { cred: { ...ambient, securebits: SECBIT_KEEP_CAPS } },
        [(t) => sysSetuid(t, 1000)],
        undefined,
        `${FULL},0,0,2`,
      ],
      [SETUID, [(t) => sysSetuid(t, 0)], undefined, '80,80,0,0'],
      [{ cred: ambient }, [(t) => sysSetresuid(t, 1000, -1, -1)], undefined, `${FULL},${FULL},2,2`],
    ],
    caps,
  );
});

fixup('setfsuid takes the filesystem capabilities and gives them back (K-406)', () => {
  const all = { uid: 0, caps: 0x1fffeffffffn };
  const to = (t: TaskStruct): number => sysSetfsuid(t, 1000);
  const from = (t: TaskStruct): number => sysSetfsuid(t, 0);
  const few = { uid: 0, caps: capMask(CAP_SETUID) };
  check(
    [
      [all, [to], undefined, '1fffeffffff,1fef6fffde0,0,0'],
      [all, [to, from], undefined, '1fffeffffff,1fffeffffff,0,0'],
      [few, [to, from], undefined, '80,80,0,0'],
    ],
    caps,
  );
});

fixup.run();

const groups = suite('kernel/setgid');

groups('the group calls follow the rules of the user calls', () => {
  const three = { uid: 1000, gid: [1000, 1001, 1002] as const };
  check(
    [
      [{}, [(t) => sysSetgid(t, 5)], undefined, '5,5,5,5'],
      [{ uid: 1000 }, [(t) => sysSetgid(t, 5)], 'EPERM', '1000,1000,1000,1000'],
      [three, [(t) => sysSetgid(t, 1002)], undefined, '1000,1002,1002,1002'],
      [three, [(t) => sysSetregid(t, 1001, 1000)], undefined, '1001,1000,1000,1000'],
      [three, [(t) => sysSetregid(t, 1002, -1)], 'EPERM', '1000,1001,1002,1001'],
      [three, [(t) => sysSetregid(t, -1, 1000)], undefined, '1000,1000,1002,1000'],
      [three, [(t) => sysSetregid(t, -1, 1002)], undefined, '1000,1002,1002,1002'],
      [three, [(t) => sysSetresgid(t, 1002, 1000, 1001)], undefined, '1002,1000,1001,1000'],
      [three, [(t) => sysSetresgid(t, 5, -1, -1)], 'EPERM', '1000,1001,1002,1001'],
      [three, [(t) => sysSetresgid(t, -1, -1, -1)], undefined, '1000,1001,1002,1001'],
      [{}, [(t) => sysSetgid(t, -1)], 'EINVAL', '0,0,0,0'],
    ],
    gids,
  );
});

groups('setfsgid gives the previous id and ignores what it refuses (K-403)', () => {
  const task = spawn(makeKernel(), { uid: 1000, gid: [1000, 1001, 1002] });
  assert.is(sysSetfsgid(task, 5), 1001);
  assert.is(sysSetfsgid(task, 1002), 1001);
  assert.is(sysSetfsgid(task, -1), 1002);
  const able = spawn(makeKernel(), { uid: 1000, caps: capMask(CAP_SETGID) });
  assert.is(sysSetfsgid(able, 5), 1000);
  assert.is(able.cred.fsgid, 5);
});

groups('gid changes never touch capabilities (K-407)', () => {
  check([[{}, [(t) => sysSetgid(t, 5)], undefined, `${FULL},${FULL},0,0`]], caps);
});

groups('setgroups needs CAP_SETGID and sorts (K-407)', () => {
  const root = spawn(makeKernel());
  sysSetgroups(root, [5, 3, 9]);
  assert.equal(sysGetgroups(root), [3, 5, 9]);
  const user = spawn(makeKernel(), { uid: 1000 });
  assert.is(
    outcome(() => sysSetgroups(user, [])),
    'EPERM',
  );
  assert.is(
    outcome(() => sysSetgroups(root, [-1])),
    'EINVAL',
  );
  assert.is(
    outcome(() => sysSetgroups(root, Array<number>(65537).fill(1))),
    'EINVAL',
  );
  assert.is(
    outcome(() => sysSetgroups(root, Array<number>(65536).fill(1))),
    undefined,
  );
});

groups.run();

/** A start, a call, and dumpable after it. */
type DumpableRow = [SpawnOptions, (task: TaskStruct) => unknown, 0 | 1 | 2];

const dumpable = suite('kernel/cred: dumpable');

dumpable('a change of effective or filesystem ids ends dumpable, others do not (K-302)', () => {
  const three = { uid: [1000, 1000, 1001] as const };
  const rows: DumpableRow[] = [
    [{}, (t) => sysSetuid(t, 1000), 0],
    [{}, (t) => sysSetuid(t, 0), 1],
    [{}, (t) => sysSetresuid(t, -1, 1000, -1), 0],
    [{}, (t) => sysSetresuid(t, 1000, -1, -1), 1],
    [{}, (t) => sysSetresuid(t, -1, -1, 1000), 1],
    [{}, (t) => sysSetfsuid(t, 1000), 0],
    [{}, (t) => sysSetfsuid(t, 0), 1],
    [{}, (t) => sysSetgid(t, 1000), 0],
    [{}, (t) => sysSetresgid(t, 1000, -1, -1), 1],
    [{}, (t) => sysSetresgid(t, -1, -1, 1000), 1],
    [{}, (t) => sysSetresgid(t, -1, 1000, -1), 0],
    [{}, (t) => sysSetfsgid(t, 1000), 0],
    [{}, (t) => sysSetgroups(t, [5]), 1],
    [{ uid: 1000 }, (t) => sysSetuid(t, 1000), 1],
    [{ uid: [1000, 1001, 1001] }, (t) => sysSetreuid(t, 1001, 1000), 0],
    [three, (t) => sysSetresuid(t, -1, -1, 1000), 1],
    [{ uid: 1000, caps: capMask(CAP_SETPCAP) }, (t) => sysSetuid(t, 0), 1],
  ];
  for (const [start, call, expected] of rows) {
    const task = spawn(makeKernel(), start);
    outcome(() => call(task));
    assert.is(task.mm?.dumpable, expected, String(call));
  }
});

dumpable('giving the ids back does not undo it (K-305)', () => {
  const task = spawn(makeKernel());
  sysSetresuid(task, -1, 1000, -1);
  sysSetresuid(task, -1, 0, -1);
  assert.is(task.mm?.dumpable, 0);
});

dumpable('it becomes what fs.suid_dumpable says (K-304)', () => {
  for (const value of [0, 1, 2]) {
    const task = spawn(makeKernel());
    task.kernel.sysctl.set('fs.suid_dumpable', value);
    sysSetuid(task, 1000);
    assert.is(task.mm?.dumpable, value);
  }
  assert.is(
    outcome(() => makeKernel().sysctl.set('fs.suid_dumpable', 3)),
    'EINVAL',
  );
});

dumpable('the signal for the death of the parent is forgotten with it', () => {
  const task = spawn(makeKernel());
  task.pdeathSignal = 9;
  sysSetgroups(task, [5]);
  assert.is(task.pdeathSignal, 9);
  sysSetuid(task, 1000);
  assert.is(task.pdeathSignal, 0);
});

dumpable.run();
