// Watchpoints on the memory of a machine's task, hit by what other tasks do.
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { MachineTarget } from '../../src/index.js';
import { debugged, hex, PacketClient } from './client.js';

const test = suite('gdb/watch');

const kinds: [type: number, word: string, hits: { read: boolean; write: boolean }][] = [
  [2, 'watch', { read: false, write: true }],
  [3, 'rwatch', { read: true, write: false }],
  [4, 'awatch', { read: true, write: true }],
];

for (const [type, word, hits] of kinds) {
  for (const access of ['read', 'write'] as const) {
    test(`Z${type} ${hits[access] ? 'stops at' : 'lets pass'} a ${access} of another task`, async () => {
      const { client, machine, task, addr } = await debugged('watched');
      assert.is(client.ask(`Z${type},${hex(addr)},4`), 'OK');
      assert.is(client.ask(`Z${type},${hex(addr)},4`), 'OK');
      client.ask('c');
      client.takeReplies();
      const mem = machine.spawn().open(`/proc/${task.pid}/mem`, 'r+');
      mem.pread(new Uint8Array(4), addr + 4n);
      mem.pwrite(Uint8Array.of(1), addr + 4n);
      assert.equal(client.takeReplies(), [], 'a neighbour');
      if (access === 'read') mem.pread(new Uint8Array(4), addr + 2n);
      else mem.pwrite(Uint8Array.of(1, 2, 3), addr + 2n);
      const thread = `p${hex(task.pid)}.${hex(task.tid)}`;
      const stop = `T05${word}:${hex(addr + 2n)};thread:${thread};`;
      assert.equal(client.takeReplies(), hits[access] ? [stop] : []);
      client.send(new Uint8Array([3]));
      assert.is(client.ask(`z${type},${hex(addr)},4`), 'OK');
      client.ask('c');
      client.takeReplies();
      mem.pread(new Uint8Array(4), addr);
      mem.pwrite(new Uint8Array(4), addr);
      assert.equal(client.takeReplies(), [], 'removed');
    });
  }
}

test('the thread that made the access is the one that stopped', async () => {
  const { client, task, addr } = await debugged();
  const second = task.thread();
  client.ask(`Z2,${hex(addr)},1`);
  client.ask('c');
  client.takeReplies();
  second.store8(addr, 1);
  const [stop] = client.takeReplies();
  assert.match(stop ?? '', `thread:p${hex(task.pid)}.${hex(second.tid)};`);
});

test('the debugger’s own accesses do not hit, another debugger’s do', async () => {
  const { client, machine, task, addr } = await debugged();
  const other = new PacketClient(new MachineTarget(machine.spawn()));
  other.ask(`vAttach;${hex(task.pid)}`);
  client.ask(`Z4,${hex(addr)},4`);
  client.ask(`M${hex(addr)},1:01`);
  client.ask(`m${hex(addr)},4`);
  client.ask('c');
  client.takeReplies();
  other.ask(`M${hex(addr)},1:02`);
  assert.match(client.takeReplies()[0] ?? '', `awatch:${hex(addr)};`);
});

test('a hit while the process is stopped is not told', async () => {
  const { client, task, addr } = await debugged();
  client.ask(`Z2,${hex(addr)},1`);
  client.takeReplies();
  task.store8(addr, 1);
  assert.equal(client.takeReplies(), []);
});

test('breakpoints stay the client’s own', async () => {
  const { client, addr } = await debugged();
  for (const type of [0, 1, 5]) {
    assert.is(client.ask(`Z${type},${hex(addr)},1`), '');
    assert.is(client.ask(`z${type},${hex(addr)},1`), '');
  }
});

test('what was set goes with the client, and with the process it was set in', async () => {
  for (const end of ['D', 'close'] as const) {
    const { client, machine, task, addr } = await debugged();
    task.store8(addr, 0);
    const frames = machine.stats().framesInUse;
    client.ask(`Z2,${hex(addr)},1`);
    client.ask(`Z3,${hex(addr)},1`);
    if (end === 'D') client.ask('D');
    else client.session.close();
    task.store8(addr, 1);
    assert.equal(machine.check(), []);
    assert.is(machine.stats().framesInUse, frames);
  }
});

test('a watchpoint of no length, a huge one, one elsewhere, one too many are refused', async () => {
  const { client, addr } = await debugged();
  for (const bad of ['0', '100001', 'zz', '', '1,1']) {
    assert.match(client.ask(`Z2,${hex(addr)},${bad}`), /^E/, bad);
  }
  for (const bad of ['7fffffffffff,2', '800000000000,1', 'ffffffffffffffff,1']) {
    assert.is(client.ask(`Z2,${bad}`), 'E16', bad);
  }
  for (let i = 0; i < 64; i++) assert.is(client.ask(`Z2,${hex(addr + BigInt(i))},1`), 'OK');
  assert.is(client.ask(`Z2,${hex(addr)},2`), 'E1c');
});

test('lldb is told how many there are', async () => {
  const { client } = await debugged();
  assert.is(client.ask('qWatchpointSupportInfo:'), 'num:64;');
});

test.run();
