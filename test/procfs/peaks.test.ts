import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { Machine } from '../../src/machine.js';

const MIB = 2 ** 20;

/** A number of /proc/self/status, kB. */
function statusKb(task: Task, label: string): number {
  const line = task.readText('/proc/self/status').split('\n');
  return Number(line.find((each) => each.startsWith(`${label}:`))?.replace(/[^0-9]/g, ''));
}

/** A task that had a mebibyte more than it has. */
async function shrunk(): Promise<Task> {
  const task = (await Machine.create()).spawn();
  const addr = task.mmap({ length: MIB });
  task.store(addr, new Uint8Array(MIB).fill(1));
  task.munmap(addr, MIB);
  return task;
}

const test = suite('procfs/peaks');

test('VmHWM and VmPeak keep what was, until clear_refs takes a 5 (K-609)', async () => {
  const task = await shrunk();
  const [rss, size] = [statusKb(task, 'VmRSS'), statusKb(task, 'VmSize')];
  assert.is(statusKb(task, 'VmHWM'), rss + 1024);
  assert.is(statusKb(task, 'VmPeak'), size + 1024);
  task.writeFile('/proc/self/clear_refs', '5\n');
  assert.is(statusKb(task, 'VmHWM'), rss);
  assert.is(statusKb(task, 'VmPeak'), size + 1024, 'the size keeps its peak');
});

test('meminfo counts the pages of the machine', async () => {
  const machine = await Machine.create({ profile: { totalRam: 64 * MIB } });
  const task = machine.spawn();
  const field = (label: string) => {
    const line = task.readText('/proc/meminfo').split('\n');
    return Number(line.find((each) => each.startsWith(`${label}:`))?.replace(/[^0-9]/g, ''));
  };
  const before = { anon: field('AnonPages'), shmem: field('Shmem'), free: field('MemFree') };
  assert.is(field('MemTotal'), 65536);
  const addr = task.mmap({ length: MIB });
  task.store(addr, new Uint8Array(MIB).fill(1));
  const file = task.memfdCreate('x');
  file.write(new Uint8Array(8192));
  assert.is(field('AnonPages'), before.anon + 1024);
  assert.is(field('Shmem'), before.shmem + 8);
  assert.ok(field('MemFree') <= before.free - 1032);
  assert.is(field('MemTotal') - field('MemFree'), machine.stats().framesInUse * 4);
  machine.sysctl('vm.overcommit_ratio', 25);
  assert.is(field('CommitLimit'), 16384);
  machine.sysctl('vm.overcommit_kbytes', 1000);
  assert.is(field('CommitLimit'), 1000);
});

test('vm.overcommit_kbytes bounds what is promised where overcommit is forbidden', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  machine.sysctl('vm.overcommit_memory', 2);
  task.writeFile('/proc/sys/vm/overcommit_kbytes', '20000');
  assert.throws(() => task.mmap({ length: 30 * MIB }), /ENOMEM/);
  assert.ok(task.mmap({ length: 10 * MIB }) > 0n);
});

test('fdinfo of a pidfd tells the process, and -1 once it is reaped', async () => {
  const machine = await Machine.create();
  const task = machine.spawn();
  const child = task.fork();
  const pidfd = task.syscall('pidfd_open', child.pid, 0);
  const shown = () => task.readText(`/proc/self/fdinfo/${pidfd}`).split('\n').slice(4);
  assert.equal(shown(), [`Pid:\t${child.pid}`, `NSpid:\t${child.pid}`, '']);
  child.exit(0);
  task.wait();
  assert.equal(shown(), ['Pid:\t-1', 'NSpid:\t-1', '']);
});

test.run();
