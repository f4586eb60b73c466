import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';

const test = suite('sysfs/sysfs');
const machine = await Machine.create();
const task = machine.spawn();
const CPU = '/sys/devices/system/cpu';

/** What a kernel with one CPU and one node says; the names are those of Linux 6.18. */
const FILES: readonly (readonly [path: string, text: string])[] = [
  ['cpu/online', '0\n'],
  ['cpu/possible', '0\n'],
  ['cpu/present', '0\n'],
  ['cpu/offline', '\n'],
  ['cpu/kernel_max', '63\n'],
  ['cpu/cpu0/topology/core_id', '0\n'],
  ['cpu/cpu0/topology/thread_siblings', '1\n'],
  ['cpu/cpu0/topology/thread_siblings_list', '0\n'],
  ['cpu/cpu0/topology/physical_package_id', '0\n'],
  ['node/online', '0\n'],
  ['node/node0/cpulist', '0\n'],
];

for (const [path, text] of FILES) {
  test(`${path} is ${JSON.stringify(text)}`, () => {
    assert.is(task.readText(`/sys/devices/system/${path}`), text);
  });
}

test('it is mounted, read-only in effect, and each file says that it has a page', () => {
  assert.match(task.readText('/proc/mounts'), /^sysfs \/sys sysfs rw,relatime 0 0$/m);
  const stat = task.stat(`${CPU}/online`);
  assert.equal([Number(stat.size), stat.mode & 0o7777], [4096, 0o444]);
  for (const action of [
    () => task.open(`${CPU}/online`, 'r+'),
    () => task.writeFile('/sys/new', 'x'),
  ]) {
    assert.throws(action, (error: { code?: string }) =>
      ['EACCES', 'EPERM'].includes(error.code ?? ''),
    );
  }
  assert.equal(task.readdir('/sys/devices/system').map(String).sort(), ['cpu', 'node']);
});

test('/proc/cpuinfo is that of the CPU that its reader runs on', () => {
  assert.match(task.readText('/proc/cpuinfo'), /^vendor_id\t: GenuineIntel$/m);
  const other = machine.spawn();
  other.cpu.pc = 4096;
  assert.match(
    other.readText('/proc/cpuinfo'),
    /^processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdc_[a-z_]+\nmmu\t\t: sv48\nmvendorid\t: 0x0\n/,
  );
  other.exit();
});

test('it is in a snapshot', async () => {
  const restored = await Machine.restore(machine.snapshot());
  assert.is(restored.task(task.pid)?.readText(`${CPU}/online`), '0\n');
});

test.run();
