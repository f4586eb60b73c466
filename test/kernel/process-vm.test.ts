import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { doExit } from '../../src/kernel/exit.js';
import { createProcess } from '../../src/kernel/fork.js';
import { importIovec, iovecFromUser, MAX_RW_COUNT } from '../../src/kernel/iovec.js';
import type { ProcessVmArgs } from '../../src/kernel/process-vm.js';
import { processVmArray, sysProcessVm } from '../../src/kernel/process-vm.js';
import type { TaskStruct } from '../../src/kernel/task.js';
import { cpuLoad, cpuStore } from '../../src/mm/cpu.js';
import { makeKernel, map, outcome, spawn } from './fixture.js';

/** The caller's page for data, its page for iovecs, and the other's page. */
const LOCAL = 0x10000;
const VECS = 0x20000;
const REMOTE = 0x30000;
const RVEC = VECS + 2048;
const KERNEL = 0xffff800000000000n;

type Segment = [number | bigint, number | bigint];

function pair(uid = 1000): { caller: TaskStruct; other: TaskStruct } {
  const kernel = makeKernel();
  const caller = spawn(kernel, { uid });
  const other = spawn(kernel, { uid: 1000, parent: spawn(kernel) });
  map(caller, LOCAL, 4096, 3);
  map(caller, VECS, 8 * 4096, 3);
  map(other, REMOTE, 4096, 3);
  assert.ok(other.mm);
  cpuStore(other.mm, REMOTE, new TextEncoder().encode('abcdefgh'));
  return { caller, other };
}

function store(task: TaskStruct, addr: number, segments: readonly Segment[]): void {
  const bytes = new Uint8Array(segments.length * 16);
  const view = new DataView(bytes.buffer);
  segments.forEach(([base, length], i) => {
    view.setBigUint64(i * 16, BigInt.asUintN(64, BigInt(base)), true);
    view.setBigUint64(i * 16 + 8, BigInt.asUintN(64, BigInt(length)), true);
  });
  assert.ok(task.mm);
  cpuStore(task.mm, addr, bytes);
}

interface Call extends Partial<ProcessVmArgs> {
  readonly local?: readonly Segment[];
  readonly remote?: readonly Segment[];
  readonly write?: boolean;
}

/** process_vm_readv of the first bytes of the other, unless the call says otherwise. */
function call(caller: TaskStruct, pid: number, options: Call = {}): unknown {
  const local = options.local ?? [[LOCAL, 4]];
  const remote = options.remote ?? [[REMOTE, 4]];
  store(caller, VECS, local);
  store(caller, RVEC, remote);
  const args: ProcessVmArgs = {
    pid,
    lvec: options.lvec ?? VECS,
    liovcnt: options.liovcnt ?? local.length,
    rvec: options.rvec ?? RVEC,
    riovcnt: options.riovcnt ?? remote.length,
    flags: options.flags ?? 0,
  };
  return outcome(() => sysProcessVm(caller, args, options.write ?? false));
}

function text(task: TaskStruct, addr: number, length: number): string {
  const bytes = new Uint8Array(length);
  assert.ok(task.mm);
  cpuLoad(task.mm, addr, bytes);
  return Buffer.from(bytes).toString('latin1');
}

const test = suite('kernel/process-vm');

test('reads and writes between two memories, segment by segment (K-215)', () => {
  const { caller, other } = pair();
  const split: Segment[] = [
    [LOCAL + 10, 3],
    [LOCAL, 2],
  ];
  assert.is(call(caller, other.pid, { local: split, remote: [[REMOTE, 8]] }), 5);
  assert.is(text(caller, LOCAL + 10, 3) + text(caller, LOCAL, 2), 'abcde');
  const remote: Segment[] = [[REMOTE + 4, 4]];
  assert.is(call(caller, other.pid, { local: [[LOCAL + 10, 2]], remote, write: true }), 2);
  assert.is(text(other, REMOTE, 8), 'abcdabgh');
});

test('arguments are checked before anything else (K-210)', () => {
  const { caller, other } = pair();
  const rows: [Call, string | number][] = [
    [{ flags: 1 }, 'EINVAL'],
    [{ liovcnt: 1025 }, 'EINVAL'],
    [{ riovcnt: 1025 }, 'EINVAL'],
    [{ liovcnt: 2n ** 64n - 1n }, 'EINVAL'],
    [{ lvec: 8 }, 'EFAULT'],
    [{ rvec: 8 }, 'EFAULT'],
    [{ lvec: KERNEL }, 'EFAULT'],
    [{ local: [[LOCAL, -1]] }, 'EINVAL'],
    [{ remote: [[REMOTE, -1]] }, 'EINVAL'],
    [{ local: [[KERNEL, 4]] }, 'EFAULT'],
    [{ local: [[KERNEL, 0]] }, 'EFAULT'],
    [{ local: [[2 ** 47 - 4096, 1]] }, 'EFAULT'],
    [{ remote: [[KERNEL, 4]] }, 'EFAULT'],
    [{ remote: [[REMOTE, 2n ** 63n - 1n]] }, 4],
  ];
  for (const [options, expected] of rows) {
    assert.is(call(caller, other.pid, options), expected, JSON.stringify(options, big));
  }
});

function big(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString(16) : value;
}

test('nothing to copy is 0 without a look at the process (K-211)', () => {
  const { caller } = pair(1001);
  const empty: Call[] = [
    { liovcnt: 0 },
    { riovcnt: 0 },
    { local: [[LOCAL, 0]] },
    { remote: [[REMOTE, 0]] },
    { local: [[LOCAL, 0]], rvec: 8 },
    { liovcnt: 0, riovcnt: 1025 },
    { remote: [[KERNEL, 0]] },
  ];
  for (const options of empty) assert.is(call(caller, 999999, options), 0);
  assert.is(call(caller, 999999, { local: [[LOCAL, 1]], riovcnt: 1025 }), 'EINVAL');
});

test('who is not there is ESRCH, who is not permitted EPERM (K-212)', () => {
  const { caller, other } = pair();
  const { kernel } = caller;
  const kthread = createProcess(kernel, kernel.init, { comm: 'kthreadd', kthread: true });
  for (const pid of [999999, 0, -1, kthread.pid]) assert.is(call(caller, pid), 'ESRCH');
  const stranger = pair(1001).caller;
  assert.is(call(stranger, stranger.kernel.findTask(other.pid)?.pid ?? 0), 'EPERM');
  doExit(other, 0);
  assert.is(call(caller, other.pid), 'ESRCH');
});

test('segments of length 0 are passed over wherever they point (K-213)', () => {
  const { caller, other } = pair();
  const local: Segment[] = [
    [8, 0],
    [LOCAL, 4],
  ];
  const remote: Segment[] = [
    [KERNEL, 0],
    [REMOTE, 4],
  ];
  assert.is(call(caller, other.pid, { local, remote }), 4);
});

test('protections are not overridden (K-214)', () => {
  // [prot, read, write]
  const rows: [number, number | string, number | string][] = [
    [0, 'EFAULT', 'EFAULT'],
    [1, 4, 'EFAULT'],
    [2, 'EFAULT', 4],
    [3, 4, 4],
    [4, 'EFAULT', 'EFAULT'],
  ];
  for (const [prot, read, write] of rows) {
    const { caller, other } = pair();
    map(other, REMOTE, 4096, prot);
    assert.is(call(caller, other.pid), read, `read ${prot}`);
    assert.is(call(caller, other.pid, { write: true }), write, `write ${prot}`);
  }
});

test('a hole or a bad local byte ends the copy (K-215)', () => {
  const { caller, other } = pair();
  map(other, REMOTE + 4096, 4096, 3);
  map(caller, 0x100000, 0x10000, 3);
  const big4: Segment[] = [[0x100000, 4 * 4096]];
  const rows: [Segment[], Segment[], number | string][] = [
    [big4, [[REMOTE, 4 * 4096]], 8192],
    [big4, [[REMOTE + 8096, 4096]], 96],
    [
      big4,
      [
        [REMOTE, 10],
        [8, 10],
      ],
      10,
    ],
    [
      big4,
      [
        [8, 10],
        [REMOTE, 10],
      ],
      'EFAULT',
    ],
    [
      [
        [LOCAL, 10],
        [8, 10],
      ],
      [[REMOTE, 20]],
      10,
    ],
    [[[LOCAL + 4086, 20]], [[REMOTE, 20]], 10],
    [[[8, 10]], [[REMOTE, 10]], 'EFAULT'],
  ];
  for (const [local, remote, expected] of rows) {
    assert.is(call(caller, other.pid, { local, remote }), expected);
  }
});

test('an array of the host is filled like a local segment', () => {
  const { caller, other } = pair();
  const host = new Uint8Array(6);
  assert.is(processVmArray(caller, other, REMOTE, host, false), 6);
  assert.is(Buffer.from(host).toString(), 'abcdef');
  assert.is(processVmArray(caller, other, REMOTE, new Uint8Array(0), false), 0);
});

test.run();

const iovec = suite('kernel/iovec');

iovec('a total beyond MAX_RW_COUNT is cut (K-109)', () => {
  const { caller } = pair();
  store(caller, VECS, [
    [LOCAL, 0x7fff0000],
    [LOCAL, 0x7fff0000],
    [LOCAL, 5],
  ]);
  assert.ok(caller.mm);
  const lengths = importIovec(caller.mm, VECS, 3).map(({ length }) => length);
  assert.equal(lengths, [0x7fff0000, MAX_RW_COUNT - 0x7fff0000, 0]);
});

iovec('addresses keep all their bits', () => {
  const { caller } = pair();
  store(caller, VECS, [[2n ** 64n - 1n, 1]]);
  assert.ok(caller.mm);
  assert.equal(iovecFromUser(caller.mm, VECS, 1), [{ addr: 2n ** 64n - 1n, length: 1 }]);
});

iovec('1024 segments are accepted', () => {
  const { caller } = pair();
  assert.ok(caller.mm);
  assert.is(iovecFromUser(caller.mm, VECS, 1024).length, 1024);
});

iovec.run();
