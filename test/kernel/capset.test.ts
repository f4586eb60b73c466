import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  CAP_FULL_SET,
  CAP_SETPCAP,
  CAP_SETUID,
  capIsSubset,
  capMask,
} from '../../src/kernel/capability.js';
import { capDataWords, capget, capset } from '../../src/kernel/capset.js';
import { SECBIT_NO_CAP_AMBIENT_RAISE } from '../../src/kernel/cred.js';
import { sysPrctl } from '../../src/kernel/prctl.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import type { SpawnOptions } from './fixture.js';
import { caps, makeKernel, map, outcome, spawn } from './fixture.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';

const CHOWN = { uid: 1000, caps: 1n };

function set(task: TaskStruct, effective: bigint, permitted: bigint, inheritable = 0n): unknown {
  return outcome(() => capset(task, 0, { effective, permitted, inheritable }));
}

function prctl(task: TaskStruct, option: number, ...args: (number | bigint)[]): unknown {
  const four = [0, 1, 2, 3].map((i) => BigInt.asUintN(64, BigInt(args[i] ?? 0)));
  return outcome(() => sysPrctl(task, option, four));
}

const sets = suite('kernel/capset');

sets('capset gives nothing the permitted set has not (K-408)', () => {
  const rows: [SpawnOptions, [bigint, bigint, bigint?], string | undefined, string][] = [
    [{ uid: 1000 }, [1n, 1n], 'EPERM', '0,0,0,0'],
    [CHOWN, [3n, 1n], 'EPERM', '1,1,0,0'],
    [CHOWN, [1n, 1n, 2n], 'EPERM', '1,1,0,0'],
    [CHOWN, [1n, 1n, 1n], undefined, '1,1,0,1'],
    [CHOWN, [0n, 1n], undefined, '1,0,0,0'],
    [CHOWN, [0n, 0n, 1n], undefined, '0,0,0,1'],
    [{ uid: 1000, caps: capMask(CAP_SETPCAP) }, [0x100n, 0x100n, 2n], undefined, '100,100,0,2'],
    [{}, [CAP_FULL_SET | (1n << 60n), CAP_FULL_SET], undefined, '1ffffffffff,1ffffffffff,0,0'],
  ];
  for (const [start, args, error, expected] of rows) {
    const task = spawn(makeKernel(), start);
    assert.is(set(task, ...args), error);
    assert.is(caps(task), expected);
  }
});

sets('the inheritable set grows up to the bounding set only (K-408)', () => {
  const task = spawn(makeKernel());
  assert.is(prctl(task, 24, 1), 0);
  const setpcap = capMask(CAP_SETPCAP);
  assert.is(set(task, setpcap, setpcap, 4n), undefined);
  assert.is(set(task, setpcap, setpcap, 2n), 'EPERM');
});

sets('lowering permitted or inheritable drops ambient (K-408)', () => {
  const cred = { capInheritable: 3n, capAmbient: 3n };
  const task = spawn(makeKernel(), { cred });
  set(task, CAP_FULL_SET & ~1n, CAP_FULL_SET & ~1n, 3n);
  assert.is(task.cred.capAmbient, 2n);
  set(task, 0n, CAP_FULL_SET & ~1n, 1n);
  assert.is(task.cred.capAmbient, 0n);
});

sets('capset is for the caller only, capget for any thread (K-408)', () => {
  const kernel = makeKernel();
  const task = spawn(kernel);
  const other = spawn(kernel, CHOWN);
  const empty = { effective: 0n, permitted: 0n, inheritable: 0n };
  assert.is(
    outcome(() => capset(task, other.pid, empty)),
    'EPERM',
  );
  assert.is(
    outcome(() => capset(other, other.pid, empty)),
    undefined,
  );
  assert.is(capget(other, task.pid).permitted, CAP_FULL_SET);
  assert.is(capget(task, 0).effective, CAP_FULL_SET);
  assert.is(
    outcome(() => capget(task, -1)),
    'EINVAL',
  );
  assert.is(
    outcome(() => capget(task, 999999)),
    'ESRCH',
  );
});

sets('versions 1, 2 and 3 of the structure are known', () => {
  assert.is(capDataWords(0x19980330), 1);
  assert.is(capDataWords(0x20071026), 2);
  assert.is(capDataWords(0x20080522), 2);
  assert.is(capDataWords(0x123), null);
});

sets('neither capset nor a drop of the bounding set touches dumpable (K-302)', () => {
  const task = spawn(makeKernel());
  set(task, 0n, CAP_FULL_SET);
  set(task, CAP_FULL_SET, CAP_FULL_SET);
  prctl(task, 24, 0);
  set(task, 0n, 0n);
  assert.is(task.mm?.dumpable, 1);
});

sets.run();

/** What a task starts as, then each call as [option, ...arguments] with its answer. */
type PrctlRow = [SpawnOptions, ...[(number | bigint)[], unknown][]];

function check(rows: readonly PrctlRow[]): void {
  for (const [start, ...calls] of rows) {
    const task = spawn(makeKernel(), start);
    for (const [[option = 0, ...args], expected] of calls) {
      const label = `prctl(${[option, ...args].join(', ')})`;
      assert.is(prctl(task, Number(option), ...args), expected, label);
    }
  }
}

const USER = { uid: 1000 };
const SET_PCAP = { uid: 1000, caps: capMask(CAP_SETPCAP) };
const TWO_32 = 2n ** 32n;

const options = suite('kernel/prctl');

options('the bounding set is read by number and dropped with CAP_SETPCAP (K-409)', () => {
  check([
    [USER, [[23, 1], 1], [[23, 40], 1], [[23, 41], 'EINVAL'], [[23, TWO_32], 'EINVAL']],
    [USER, [[24, 1], 'EPERM'], [[24, 99], 'EPERM']],
    [SET_PCAP, [[24, 1], 0], [[23, 1], 0], [[24, 99], 'EINVAL'], [[24, 1], 0]],
  ]);
});

options('ambient needs permitted and inheritable (K-410)', () => {
  const able = { cred: { capInheritable: 1n } };
  const locked = { cred: { capInheritable: 1n, securebits: SECBIT_NO_CAP_AMBIENT_RAISE } };
  check([
    [{}, [[47, 2, 0], 'EPERM'], [[47, 1, 0], 0]],
    [able, [[47, 2, 0], 0], [[47, 1, 0], 1], [[47, 3, 0], 0], [[47, 1, 0], 0]],
    [able, [[47, 2, 0], 0], [[47, 4], 0], [[47, 1, 0], 0]],
    [locked, [[47, 2, 0], 'EPERM']],
    [{}, [[47, 9, 0], 'EINVAL'], [[47, 0, 0], 'EINVAL'], [[47, 4, 1], 'EINVAL']],
    [{}, [[47, 4, 0, 0, 1], 'EINVAL'], [[47, 1, 41], 'EINVAL'], [[47, 1, 0, 1], 'EINVAL']],
  ]);
});

options('securebits need CAP_SETPCAP, and locks hold (K-411)', () => {
  check([
    [USER, [[28, 1], 'EPERM'], [[28, 0], 'EPERM']],
    [{}, [[28, 3], 0], [[28, 0], 'EPERM'], [[27], 3], [[28, 0x1000], 'EPERM']],
    [{}, [[28, 0], 0], [[28, 0], 0], [[28, 2n ** 40n], 'EPERM']],
    // What user space enforces on itself needs no right.
    [USER, [[28, 0x100], 0], [[28, 0x500], 0], [[28, 0xd00], 0], [[28, 0x100], 'EPERM']],
    [USER, [[28, 0x101], 'EPERM'], [[27], 0]],
  ]);
});

options('keepcaps is a securebit with a call of its own (K-411)', () => {
  check([
    [USER, [[7], 0], [[8, 1], 0], [[7], 1], [[27], 0x10], [[8, 0], 0], [[7], 0]],
    [USER, [[8, 2], 'EINVAL'], [[8, TWO_32], 'EINVAL']],
    [{}, [[28, 0x20], 0], [[8, 1], 'EPERM'], [[8, 2], 'EINVAL']],
  ]);
});

options('no_new_privs is set once and for ever (K-411)', () => {
  check([
    [USER, [[38, 0], 'EINVAL'], [[38, 2], 'EINVAL'], [[38, 1, 1], 'EINVAL'], [[39], 0]],
    [USER, [[38, 1], 0], [[39], 1], [[38, 0], 'EINVAL'], [[39], 1], [[39, 1], 'EINVAL']],
  ]);
});

options('dumpable is set to 0 or 1 only; other arguments are ignored (K-300)', () => {
  check([
    [
      USER,
      ...[2, 3, -1, TWO_32, TWO_32 + 1n].map((v): [(number | bigint)[], unknown] => [
        [4, v],
        'EINVAL',
      ]),
      [[3], 1],
      [[4, 0], 0],
      [[3], 0],
      [[4, 1, 7, 7, 7], 0],
      [[3], 1],
    ],
  ]);
});

options('a signal for the death of the parent is 0 to 64', () => {
  check([[USER, [[1, 65], 'EINVAL'], [[1, -1], 'EINVAL'], [[1, 64], 0], [[1, 0], 0]]]);
});

options('unknown options, and PR_SET_PTRACER without Yama, are EINVAL (K-053)', () => {
  check([[{}, [[9999], 'EINVAL'], [[0x59616d61, 1], 'EINVAL']]]);
});

options('a name is 15 bytes, set and read through memory', () => {
  const task = spawn(makeKernel());
  map(task, 0x10000, 4096, 3);
  const { mm } = task;
  assert.ok(mm);
  cpuStore(mm, 0x10000, Uint8Array.of(0xff, ...new TextEncoder().encode('a name of many bytes\0')));
  assert.is(prctl(task, 15, 0x10000), 0);
  assert.is(task.comm, '\xffa name of many');
  assert.is(prctl(task, 16, 0x10800), 0);
  const back = new Uint8Array(16);
  cpuLoad(mm, 0x10800, back);
  assert.is(Buffer.from(back).toString('latin1'), '\xffa name of many\0');
  for (const bad of [0, 2n ** 63n]) {
    assert.is(prctl(task, 15, bad), 'EFAULT');
    assert.is(prctl(task, 16, bad), 'EFAULT');
  }
});

options('a name that ends at the edge of a mapping is read up to its NUL', () => {
  const task = spawn(makeKernel());
  map(task, 0x10000, 4096, 3);
  assert.ok(task.mm);
  cpuStore(task.mm, 0x10ffd, Uint8Array.of(0x68, 0x69, 0));
  assert.is(prctl(task, 15, 0x10ffd), 0);
  assert.is(task.comm, 'hi');
  cpuStore(task.mm, 0x10fff, Uint8Array.of(0x21));
  assert.is(prctl(task, 15, 0x10ffd), 'EFAULT');
});

options.run();

const subset = suite('kernel/capability');

subset('a set is a subset of itself and of more', () => {
  assert.ok(capIsSubset(0n, 0n));
  assert.ok(capIsSubset(capMask(CAP_SETUID), CAP_FULL_SET));
  assert.not(capIsSubset(CAP_FULL_SET, capMask(CAP_SETUID)));
});

subset.run();
