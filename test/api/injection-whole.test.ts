import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { InjectionOptions } from '../../src/api/injection.js';
import { LinuxError } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';
import { PAGE, type World, world } from './injection-world.js';

const test = suite('api/injection-whole');

/** A little of everything; what fails is left out. */
function live({ machine, target, reader, addr, mem }: World): void {
  const steps: (() => unknown)[] = [
    () => reader.fork().exit(),
    () => reader.wait(),
    () => reader.thread().syscall('exit', 0),
    () => target.mremap(addr, 2 * PAGE, 4 * PAGE, 1),
    () => mem.pwrite(new Uint8Array(PAGE), addr),
    () => reader.processVmRead(target, addr, new Uint8Array(PAGE)),
    () => target.mprotect(addr, PAGE, 1),
    () => reader.readText(`/proc/${target.pid}/maps`),
    () => reader.ptraceAttach(target),
    () => reader.ptracePoke(target, addr, 1),
    () => reader.ptraceDetach(target),
    () => target.exec('/bin/other'),
    () => mem.readv([new Uint8Array(3), new Uint8Array(3)], addr),
    () => target.mmap({ length: PAGE, file: target.memfdCreate('x') }),
    () => target.setresuid(1000, 1000, 1000),
    () => target.munmap(addr, PAGE),
    () => mem.close(),
    () => target.exit(),
  ];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      if (!(error instanceof LinuxError || error instanceof TypeError)) throw error;
    }
  }
  assert.equal(machine.check(), []);
}

const CALLS = ['fork', 'exit', 'wait4', 'mremap', 'pwrite64', 'mprotect', 'openat', 'read'];
const MORE = ['close', 'ptrace', 'execve', 'readv', 'mmap', 'memfd_create', 'munmap'];

test('whatever fails, and whoever dies at whichever call, the machine is whole and gives all back', async () => {
  const frames = new Set<number>();
  for (const call of [...CALLS, ...MORE, 'setresuid', 'process_vm_readv']) {
    for (const effect of ['errno', 'target', 'reader', 'exec'] as const) {
      const it = await world();
      const { machine, target, reader } = it;
      machine.inject({
        ...{ call, nth: 1 },
        ...(effect === 'errno' ? { errno: 'ENOMEM' } : {}),
        ...(effect === 'target' ? { exit: target } : {}),
        ...(effect === 'reader' ? { exit: reader } : {}),
        ...(effect === 'exec' ? { exec: { task: target, path: '/bin/other' } } : {}),
      });
      live(it);
      assert.is(machine.injections.length, 1, `${call} ${effect}`);
      machine.kernel.shutdown();
      assert.equal(machine.check(), [], `${call} ${effect}`);
      frames.add(machine.stats().framesInUse);
    }
  }
  assert.is(frames.size, 1, 'frames in use at the end, whatever happened');
});

const MISUSES: readonly (readonly [unknown, new () => Error, RegExp])[] = [
  [{ call: 'process_vm_read', errno: 'EIO' }, TypeError, /"process_vm_read" is not a system call/],
  [{ call: [], errno: 'EIO' }, TypeError, /^call: names no call/],
  [{ call: 5, errno: 'EIO' }, TypeError, /^call: not an array/],
  [{ call: 'read' }, TypeError, /exactly one of errno, short, exit, exec, run, not none/],
  [{ call: 'read', errno: 'EIO', short: 1 }, TypeError, /not errno and short/],
  [{ call: 'read', errno: 'EFOO' }, TypeError, /^errno: "EFOO" is not a name of errno.h/],
  [{ call: 'read', errno: 5 }, TypeError, /^errno: 5/],
  [{ call: 'mmap', short: 1 }, TypeError, /^short: mmap moves no bytes/],
  [{ call: 'read', short: -1 }, RangeError, /^short: -1/],
  [{ call: 'read', errno: 'EIO', nth: 0 }, RangeError, /^nth: 0/],
  [{ call: 'read', errno: 'EIO', every: 0 }, RangeError, /^every: 0/],
  [{ call: 'read', errno: 'EIO', nth: 1, every: 2 }, TypeError, /only one of nth and every/],
  [{ call: 'read', errno: 'EIO', probability: 2 }, RangeError, /^probability: 2/],
  [{ call: 'read', errno: 'EIO', seed: 2 }, TypeError, /^seed: only with probability/],
  [{ call: 'read', errno: 'EIO', times: 0 }, RangeError, /^times: 0/],
  [{ call: 'read', errno: 'EIO', file: 3 }, TypeError, /^file: not an OpenFile/],
  [{ call: 'read', exit: 3 }, TypeError, /^exit: not a Task/],
  [{ call: 'read', exec: { path: '/x' } }, TypeError, /^exec.task: not a Task/],
  [{ call: 'read', run: 3 }, TypeError, /^run: not a function/],
  [{ call: 'read', errno: 'EIO', nht: 3 }, TypeError, /^options: "nht" is not one of call, task/],
  [null, TypeError, /^options: not an object/],
];

test('a rule that cannot be meant is refused by what is wrong with it', async () => {
  const { machine, target, mem } = await world();
  const other = (await Machine.create()).spawn();
  for (const [options, kind, message] of MISUSES) {
    const inject = () => machine.inject(options as InjectionOptions);
    const matches = (error: unknown) => error instanceof kind && message.test(error.message);
    assert.throws(inject, matches, JSON.stringify(options));
  }
  assert.throws(
    () => machine.inject({ call: 'mmap', file: mem, errno: 'EIO' }),
    /^file: mmap does not work on a descriptor/,
  );
  const foreign = () => machine.inject({ call: 'read', task: other, errno: 'EIO' });
  assert.throws(foreign, /^task: a task of another machine/);
  assert.is(machine.kernel.entry, null);
  assert.is(target.exited, false);
});

test.run();
