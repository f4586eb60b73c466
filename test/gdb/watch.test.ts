// Watchpoints, over a target that calls back for accesses that the test makes.
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import type { TargetWatch, TargetWatchKind } from '../../src/gdb/target.js';
import { MachineTarget } from '../../src/index.js';
import { debugged, hex, PacketClient } from './client.js';

const test = suite('gdb/watch');

interface Set extends TargetWatch {
  readonly kind: TargetWatchKind;
  readonly start: bigint;
  readonly length: number;
  hit(addr: bigint): void;
}

/** A machine's tasks, with watchpoints that the test hits by hand. */
class WatchedTarget extends MachineTarget {
  readonly set: Set[] = [];

  watch(
    pid: number,
    kind: TargetWatchKind,
    { start, length }: { start: bigint; length: number },
    onHit: (hit: { addr: bigint; tid: number }) => void,
  ): TargetWatch {
    const watch: Set = {
      kind,
      start,
      length,
      hit: (addr) => onHit({ addr, tid: pid }),
      remove: () => void this.set.splice(this.set.indexOf(watch), 1),
    };
    this.set.push(watch);
    return watch;
  }
}

async function watched() {
  const { machine, task, addr } = await debugged();
  const target = new WatchedTarget(machine.spawn());
  const client = new PacketClient(target);
  client.ask(`vAttach;${hex(task.pid)}`);
  return { client, target, addr, tid: hex(task.tid) };
}

const kinds: [number, TargetWatchKind, string][] = [
  [2, 'write', 'watch'],
  [3, 'read', 'rwatch'],
  [4, 'access', 'awatch'],
];

for (const [type, kind, word] of kinds) {
  test(`Z${type} watches for ${kind}, and its hit stops a process that goes on`, async () => {
    const { client, target, addr, tid } = await watched();
    assert.is(client.ask(`Z${type},${hex(addr)},8`), 'OK');
    assert.is(client.ask(`Z${type},${hex(addr)},8`), 'OK');
    assert.equal(
      target.set.map((watch) => [watch.kind, watch.start, watch.length]),
      [[kind, addr, 8]],
    );
    client.ask('c');
    client.takeReplies();
    target.set[0]?.hit(addr + 4n);
    const stop = `T05${word}:${hex(addr + 4n)};thread:${tid};`;
    assert.equal(client.takeReplies(), [stop]);
    assert.is(client.ask('?'), stop);
    assert.is(client.ask(`z${type},${hex(addr)},8`), 'OK');
    assert.is(client.ask(`z${type},${hex(addr)},8`), 'OK');
    assert.equal(target.set, []);
  });
}

test('a hit while the process is stopped is not told', async () => {
  const { client, target, addr } = await watched();
  client.ask(`Z2,${hex(addr)},1`);
  client.takeReplies();
  target.set[0]?.hit(addr);
  assert.equal(client.takeReplies(), []);
});

test('breakpoints stay the client’s own', async () => {
  const { client, addr } = await watched();
  for (const type of [0, 1, 5]) assert.is(client.ask(`Z${type},${hex(addr)},1`), '');
});

test('what was set goes with the client, and with the process it was set in', async () => {
  for (const end of ['D', 'close'] as const) {
    const { client, target, addr } = await watched();
    client.ask(`Z2,${hex(addr)},1`);
    client.ask(`Z3,${hex(addr)},1`);
    if (end === 'D') client.ask('D');
    else client.session.close();
    assert.equal(target.set, []);
  }
});

test('a watchpoint of no length, a huge one, one too many are refused', async () => {
  const { client, addr } = await watched();
  for (const bad of ['0', '100001', 'zz', '', '1,1']) {
    assert.match(client.ask(`Z2,${hex(addr)},${bad}`), /^E/, bad);
  }
  for (let i = 0; i < 64; i++) assert.is(client.ask(`Z2,${hex(addr + BigInt(i))},1`), 'OK');
  assert.is(client.ask(`Z2,${hex(addr)},2`), 'E1c');
});

test('lldb is told how many there are', async () => {
  const { client } = await watched();
  assert.is(client.ask('qWatchpointSupportInfo:'), 'num:64;');
});

test.run();
