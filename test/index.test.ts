import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import {
  BytesSource,
  Guest,
  type LinuxError,
  Machine,
  type Task,
  coreImports,
  GdbSession,
  MachineTarget,
  parseMaps,
  parseTrace,
  readCore,
  symbolize,
  unwind,
} from '../src/index.js';

const test = suite('index');
const none = {} as never;

/** Calls with an argument that is none, and what they say. */
const MISUSES: readonly (readonly [name: string, call: () => unknown, says: RegExp])[] = [
  ['readCore', () => readCore(new Uint8Array(64) as never), /^source: not a ByteSource; new By/],
  ['readCore without any', () => readCore(undefined as never), /^source: not a ByteSource/],
  ['BytesSource, turned round', () => new BytesSource(new Uint8Array(1) as never, none), /^name: /],
  ['BytesSource', () => new BytesSource('core', 'core' as never), /^bytes: not a Uint8Array$/],
  ['MachineTarget', () => new MachineTarget(none), /^task: not a task of a kernel$/],
  ['MachineTarget without any', () => new MachineTarget(undefined as never), /^task: not an obj/],
  ['GdbSession', () => new GdbSession(none, none), /^target: not a Target; new MachineTarget/],
  ['coreImports', () => coreImports(none), /^task: not a task of a kernel$/],
  ['coreImports without any', () => coreImports(undefined as never), /^task: not an object$/],
  ['parseMaps', () => parseMaps(new Uint8Array(3) as never), /^text: not a string$/],
  ['parseTrace', () => parseTrace(new Uint8Array(3) as never), /^text: not a string$/],
  ['symbolize', () => symbolize(0n, none), /^open: not a function$/],
  ['unwind', () => unwind([], none), /^source: has no function read$/],
  ['unwind', () => unwind([], { read: () => null, maps: '' as never }), /^source\.maps: not what/],
];

for (const [name, call, says] of MISUSES) {
  test(`${name} names the argument that is wrong`, () => {
    try {
      call();
    } catch (error) {
      assert.instance(error, TypeError);
      return assert.match((error as Error).message, says);
    }
    assert.unreachable('it was taken');
  });
}

/** Calls that Linux refuses, and what the error says of them. */
const REFUSALS: readonly (readonly [call: (task: Task, other: Task) => unknown, says: string])[] = [
  [(task, other) => task.ptraceAttach(other), 'EPERM: operation not permitted, ptrace'],
  [(task) => task.munmap(1, 4096), 'EINVAL: invalid argument, munmap'],
  [(task) => task.mprotect(0, 4096, 1), 'ENOMEM: cannot allocate memory, mprotect'],
  [(task) => task.mmap({ length: 0 }), 'EINVAL: invalid argument, mmap'],
  [(task) => task.exec('/none', []), "ENOENT: no such file or directory, execve '/none'"],
  [(task) => task.wait(), 'ECHILD: no child processes, wait4'],
  [(task, other) => task.kill(other.pid, 9), 'EPERM: operation not permitted, kill'],
  [(task) => task.setuid(5), 'EPERM: operation not permitted, setuid'],
  [
    (task, other) => task.processVmRead(other, 0, new Uint8Array(1)),
    'EPERM: operation not permitted, process_vm_readv',
  ],
  [
    (task, other) => task.processVmCopy(other, 0, task.mmap({ length: 4096 }), 1),
    'EPERM: operation not permitted, process_vm_readv',
  ],
];

test('what Linux refuses says which call it was of, and the path', async () => {
  const machine = await Machine.create();
  const task = machine.spawn({ uid: 1000 });
  const other = machine.spawn({ uid: 1001 });
  const said = (call: () => unknown): string => {
    try {
      return `it gave ${String(call())}`;
    } catch (error) {
      return (error as LinuxError).message;
    }
  };
  assert.equal(
    REFUSALS.map(([call]) => said(() => call(task, other))),
    REFUSALS.map(([, says]) => says),
  );
  assert.is(
    said(() => machine.sysctl('kernel.yama.ptrace_scope')),
    "ENOENT: no such file or directory, open '/proc/sys/kernel/yama/ptrace_scope'",
  );
  const guest = new Guest(machine);
  assert.is(
    said(() => guest.start('/bin/none', ['none'])),
    "ENOENT: no such file or directory, execve '/bin/none'",
  );
  assert.is(
    said(() => guest.start('/bin/none', ['none'], { cwd: '/nowhere' })),
    "ENOENT: no such file or directory, chdir '/nowhere'",
  );
  for (const each of machine.tasks()) if (each.pid !== 1) each.exit();
});

test.run();
