// What requests are answered, packet by packet, over the tasks of a machine.
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { asciiBytes, framePacket } from '../../src/gdb/packet.js';
import { Machine, MachineTarget, PAGE_SIZE, readCore } from '../../src/index.js';
import { exampleCore, exampleExecutable } from '../elf/example.js';
import { clientOf, debugged, hex, PacketClient } from './client.js';

const test = suite('gdb/session');
const PAGE = BigInt(PAGE_SIZE);

test('acknowledgements stop when the client asks for it', async () => {
  const { client } = await debugged();
  client.sent = '';
  assert.is(client.ask('QStartNoAckMode'), 'OK');
  assert.is(client.sent, '+$OK#9a');
  client.sent = '';
  client.ask('qC');
  assert.not.match(client.sent, '+');
});

test('a damaged packet is asked for again, a lost reply repeated', async () => {
  const { client } = await debugged();
  client.sent = '';
  client.send(asciiBytes('$qC#00'));
  assert.is(client.sent, '-');
  const reply = client.ask('qC');
  assert.equal(client.send(asciiBytes('-')), [reply]);
});

test('a request that is not known gets an empty reply', async () => {
  const { client } = await debugged();
  const unknown = 'vMustReplyEmpty qTStatus qOffsets vRun; jThreadsInfo QNonStop:1 b i t A ! #';
  for (const request of unknown.split(' ').filter((word) => !'!#'.includes(word))) {
    assert.is(client.ask(request), '', request);
  }
  assert.is(client.ask(''), '');
  assert.is(client.ask('qXfer:nothing:read::0,10'), '');
  assert.is(client.ask('qXfer:constructor:read::0,10'), '');
});

test('nothing is attached to before the client says so, and no other process then', async () => {
  const machine = await Machine.create();
  const [first, second] = [machine.spawn(), machine.spawn()];
  const client = new PacketClient(new MachineTarget(machine.spawn()));
  client.ask('qSupported:multiprocess+');
  assert.is(client.ask('?'), 'W00');
  assert.is(client.ask('Hgp0.0'), 'OK');
  assert.is(client.ask('g'), 'E03');
  assert.is(client.ask('m0,1'), 'E03');
  assert.is(client.ask('vAttach;7fffffff'), 'E03');
  assert.is(client.ask('vAttach;zz'), 'E16');
  assert.is(
    client.ask(`vAttach;${hex(first.pid)}`),
    `T05thread:p${hex(first.pid)}.${hex(first.tid)};`,
  );
  assert.is(client.ask(`Hgp${hex(second.pid)}.0`), 'E03');
  assert.is(client.ask(`vAttach;${hex(second.pid)}`).slice(0, 3), 'T05');
  assert.is(client.ask(`Hgp${hex(first.pid)}.0`), 'OK');
  assert.is(client.ask('qC'), `QCp${hex(first.pid)}.${hex(first.tid)}`);
  assert.is(client.ask(`D;${hex(first.pid)}`), 'OK');
  assert.is(client.ask(`D;${hex(first.pid)}`), 'E16');
  assert.is(client.ask('qC'), `QCp${hex(second.pid)}.${hex(second.tid)}`);
});

test('the process of a core is attached from the start, stopped by its signal', async () => {
  const machine = await Machine.create();
  const core = readCore(exampleCore());
  const loaded = machine.loadCore(core, {
    open: (path) => (path.endsWith('/thumbnail') ? exampleExecutable() : null),
  });
  const client = clientOf(machine, loaded);
  const name = hex(core.process.pid);
  assert.is(client.ask('?'), `T0bthread:${name};`);
  assert.is(client.ask(`qAttached:${name}`), '1');
  client.ask('qSupported:multiprocess+');
  assert.is(client.ask('?'), `T0bthread:p${name}.${name};`);
  assert.is(client.transfer('exec-file'), '/tmp/crash/thumbnail');
  assert.is(client.transfer('exec-file', name), '/tmp/crash/thumbnail');
  assert.is(client.transfer('auxv'), String.fromCharCode(...core.auxv));
  const siginfo = core.threads[0]?.siginfo;
  assert.is(client.transfer('siginfo'), String.fromCharCode(...(siginfo ?? [])));
  assert.match(client.transfer('libraries-svr4'), /^<library-list-svr4 version="1.0"/);
});

test('threads are listed, named and chosen', async () => {
  const { client, task } = await debugged();
  const second = task.thread();
  second.struct.comm = 'a<b';
  const name = (tid: number): string => `p${hex(task.pid)}.${hex(tid)}`;
  assert.is(client.ask('qfThreadInfo'), `m${name(task.tid)},${name(second.tid)}`);
  assert.is(client.ask('qsThreadInfo'), 'l');
  assert.match(client.transfer('threads'), `<thread id="${name(second.tid)}" name="a&lt;b"/>`);
  assert.is(client.ask(`qThreadExtraInfo,${name(second.tid)}`), '613c62');
  assert.is(client.ask(`T${name(second.tid)}`), 'OK');
  assert.is(client.ask(`Hg${name(second.tid)}`), 'OK');
  assert.is(client.ask('qC'), `QC${name(second.tid)}`);
  assert.is(client.ask('Hg-1'), 'OK');
  assert.is(client.ask(`Hgp${hex(task.pid)}.-1`), 'OK');
  for (const bad of ['Hx0', 'Hg', 'Hgp', 'Hgzz', 'Hg123456789', 'T', 'Hgp1.2.3']) {
    assert.match(client.ask(bad), /^E/, bad);
  }
  second.exit();
});

test('a thread that is gone is no longer current', async () => {
  const { client, task } = await debugged();
  const second = task.thread();
  client.ask(`Hg${hex(second.tid)}`);
  second.syscall('exit', 0);
  assert.is(client.ask(`T${hex(second.tid)}`), 'E03');
  assert.is(client.ask('qC'), `QCp${hex(task.pid)}.${hex(task.tid)}`);
});

/** Requests about memory: `A` is the address of the mapping, `B` of its last page. */
const memory: [string, string][] = [
  ['mA,5', '68656c6c6f'],
  ['mA,0', ''],
  ['xA,5', 'hello'],
  ['x0,0', 'OK'],
  ['mE,1', '5a'],
  ['mEnd,1', 'E0e'],
  ['mLast,4', '0000'],
  ['m0,1', 'E0e'],
  ['mffffffffffffffff,1', 'E0e'],
  ['m7fffffffffffffff,10', 'E0e'],
  ['m10000000000000000,1', 'E16'],
  ['m,1', 'E16'],
  ['mA', 'E16'],
  ['mA,5,6', 'E16'],
  ['mA,-5', 'E16'],
  ['MA,2:4845', 'OK'],
  ['mA,5', '48456c6c6f'],
  ['MA,2:484', 'E16'],
  ['MA,2:48', 'E16'],
  ['MA,1:zz', 'E16'],
  ['M0,1:00', 'E0e'],
  ['MA', 'E16'],
  ['XA,0:', 'OK'],
  ['XA,3:}\x03}\x04}]', 'OK'],
  ['xA,5', '}\x03}\x04}]lo'],
  ['XA,4:abc', 'E16'],
  // Memory that the process can only read: what a debugger writes breakpoints to.
  ['XE,1:\xcc', 'OK'],
  ['mE,1', 'cc'],
  ['qSearch:memory:A;10;lo', '1,A3'],
  ['qSearch:memory:A;4;lo', '0'],
  ['qSearch:memory:A;5;lo', '1,A3'],
  ['qSearch:memory:A;10;nothing', '0'],
  ['qSearch:memory:A;ffffffffffffffff;nothing', 'E0e'],
  ['qSearch:memory:A;10;', 'E16'],
  ['qSearch:memory:A', 'E16'],
  ['qCRC:A,zz', 'E16'],
  ['qCRC:0,10', 'E0e'],
];

test('memory is read, written, searched as its mem file is', async () => {
  const { client, addr, task } = await debugged('hello');
  const places: Record<string, bigint> = {
    A3: addr + 3n,
    A: addr,
    End: addr + 3n * PAGE,
    Last: addr + 3n * PAGE - 2n,
    E: addr + 2n * PAGE,
  };
  const placed = (text: string): string =>
    text.replace(/(?<=^[mMxX]|:|,)(A3|A|End|Last|E)(?=[,;]|$)/, (name) => hex(places[name] ?? 0n));
  for (const [request, reply] of memory) {
    const expected = reply.startsWith('E') ? reply : placed(reply);
    assert.is(client.ask(placed(request)), expected, request);
  }
  assert.is(task.load8(addr + 2n * PAGE), 0xcc);
});

test('a pattern across two pieces of a search is found', async () => {
  const { client, task } = await debugged();
  const addr = task.mmap({ length: 0x300000 });
  task.store(addr + 0x100000n - 3n, asciiBytes('needle'));
  const request = `qSearch:memory:${hex(addr)};${hex(0x300000)};needle`;
  assert.is(client.ask(request), `1,${hex(addr + 0x100000n - 3n)}`);
});

test('a checksum is that of the ELF debug link’s polynomial, highest bit first', async () => {
  const { client, addr } = await debugged('123456789');
  // The check value of CRC-32/MPEG-2.
  assert.is(client.ask(`qCRC:${hex(addr)},9`), 'C0376e6e7');
});

test('memory is mapped and unmapped for the client', async () => {
  const { client, task } = await debugged();
  const text = client.ask('_M1000,rw');
  const addr = BigInt(`0x${text}`);
  task.store8(addr, 7);
  assert.is(client.ask(`m${text},1`), '07');
  assert.match(client.ask(`qMemoryRegionInfo:${text}`), 'permissions:rw;');
  assert.is(client.ask(`_m${text}`), 'OK');
  assert.is(client.ask(`m${text},1`), 'E0e');
  for (const bad of [
    `_m${text}`,
    '_M',
    '_M0,rw',
    '_M1000,rwq',
    '_Mzz,r',
    '_m',
    '_Mffffffffffffffff,r',
  ]) {
    assert.match(client.ask(bad), /^E/, bad);
  }
});

test('regions and holes cover every address', async () => {
  const { client, target, task } = await debugged();
  let at = 0n;
  let mapped = 0;
  for (let i = 0; i < 1000 && at < 1n << 64n; i++) {
    const reply = client.ask(`qMemoryRegionInfo:${hex(at)}`);
    const [, start, size, rest = ''] = /^start:(\w+);size:(\w+);(.*)$/.exec(reply) ?? [];
    assert.is(BigInt(`0x${start}`), at);
    at += BigInt(`0x${size}`);
    if (rest.startsWith('permissions')) mapped++;
  }
  assert.is(at, 1n << 64n);
  assert.is(mapped, target.regions(task.pid).length);
});

test('a process that is told to go on waits, and only an interrupt reaches it', async () => {
  const { client, task } = await debugged();
  assert.match(client.ask('vCont?'), /^vCont;c;/);
  assert.match(client.ask('vCont;c:p-1.-1'), /^O/);
  assert.ok(client.session.running);
  assert.equal(client.send(framePacket(asciiBytes('g'))), []);
  const name = `p${hex(task.pid)}.${hex(task.tid)}`;
  assert.equal(client.send(new Uint8Array([3])), [`T02thread:${name};`]);
  assert.not.ok(client.session.running);
  assert.equal(client.send(new Uint8Array([3])), []);
  assert.is(client.ask(`vCont;s:${name};c`), `T05thread:${name};`);
  assert.is(client.ask('s'), `T05thread:${name};`);
  for (const bad of ['vCont;', 'vCont;q', 'vCont;c05', 'vCont;C', 'vCont;c:zz']) {
    assert.match(client.ask(bad), /^E16/, bad);
  }
});

test('a client that waits is told when another ends the process', async () => {
  const { client, task } = await debugged();
  client.ask('c');
  client.session.checkExit();
  assert.equal(client.takeReplies().slice(1), []);
  task.exit();
  client.session.checkExit();
  assert.equal(client.takeReplies(), [`X09;process:${hex(task.pid)}`]);
});

test('vKill ends a process, k only the connection', async () => {
  const { client, machine, task } = await debugged();
  assert.is(client.ask('vKill;zz'), 'E16');
  assert.is(client.ask(`vKill;${hex(task.pid)}`), 'OK');
  assert.ok(task.exited);
  const other = machine.spawn();
  const second = new PacketClient(new MachineTarget(machine.spawn()));
  second.ask(`vAttach;${hex(other.pid)}`);
  assert.is(second.ask('k'), 'X09');
  assert.ok(second.closed);
  assert.not.ok(other.exited);
});

test('processes are listed, debuggers are not among them', async () => {
  const { client, task } = await debugged();
  const list = client.transfer('osdata', 'processes');
  assert.match(list, `<column name="pid">${task.pid}</column><column name="user">1000</column>`);
  assert.match(list, '<column name="command">/bin/target one &amp; two</column>');
  assert.not.match(list, 'gdbserver');
  assert.match(client.transfer('osdata', '', 5), 'processes');
});

test('a document is given in pieces of any size', async () => {
  const { client } = await debugged();
  const whole = client.transfer('features', 'target.xml', 0x10000);
  for (const piece of [1, 7, 100, whole.length, whole.length + 1]) {
    assert.is(client.transfer('features', 'target.xml', piece), whole);
  }
  for (const bad of ['target.xml:0', 'other.xml:0,10', 'target.xml:fffff,10', 'target.xml:0,zz']) {
    assert.match(client.ask(`qXfer:features:read:${bad}`), /^E/, bad);
  }
});

test('a memory map is given to those who ask, and not announced', async () => {
  const { client, addr } = await debugged();
  assert.match(client.transfer('memory-map'), `start="0x${hex(addr)}" length="0x2000"`);
  assert.not.match(client.ask('qSupported:multiprocess+'), 'memory-map');
});

test.run();
