import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { debugged, hex, unescape } from './client.js';

const test = suite('gdb/files');
const path = (text: string): string => Buffer.from(text).toString('hex');

/** The data of a reply `Fcount;data`, checked against its count. */
function dataOf(reply: string): string {
  const [, count = '', escaped = ''] = /^F([0-9a-f]+);([^]*)$/.exec(reply) ?? [];
  const data = unescape(escaped);
  assert.is(data.length, Number.parseInt(count, 16), reply);
  return data;
}

test('a file is opened, read at any place, asked about and closed', async () => {
  const { client, machine } = await debugged();
  machine.addFile('/tmp/file', new TextEncoder().encode('a}b#c$d*e'), 0o640);
  assert.is(client.ask('vFile:setfs:0'), 'F0');
  const fd = client.ask(`vFile:open:${path('/tmp/file')},0,1c0`).slice(1);
  assert.is(dataOf(client.ask(`vFile:pread:${fd},100,0`)), 'a}b#c$d*e');
  assert.is(dataOf(client.ask(`vFile:pread:${fd},3,2`)), 'b#c');
  assert.is(client.ask(`vFile:pread:${fd},10,100`), 'F0;');
  const stat = Buffer.from(dataOf(client.ask(`vFile:fstat:${fd}`)), 'latin1');
  assert.is(stat.length, 64);
  assert.is(stat.readUInt32BE(8), 0o100640);
  assert.is(stat.readBigUInt64BE(28), 9n);
  assert.is(client.ask(`vFile:close:${fd}`), 'F0');
  assert.is(client.ask(`vFile:close:${fd}`), 'F-1,9');
});

test('a file is made, written and removed', async () => {
  const { client, machine } = await debugged();
  const fd = client.ask(`vFile:open:${path('/tmp/new')},602,180`).slice(1);
  assert.is(client.ask(`vFile:pwrite:${fd},0,x}\x03y`), 'F3');
  assert.is(client.ask(`vFile:pwrite:${fd},5,z`), 'F1');
  assert.is(dataOf(client.ask(`vFile:pread:${fd},10,0`)), 'x#y\0\0z');
  assert.is(machine.spawn().stat('/tmp/new').mode & 0o777, 0o600);
  assert.is(client.ask(`vFile:unlink:${path('/tmp/new')}`), 'F0');
  assert.is(client.ask(`vFile:unlink:${path('/tmp/new')}`), 'F-1,2');
});

test('links are read and told from their targets', async () => {
  const { client, task } = await debugged();
  const link = path(`/proc/${task.pid}/cwd`);
  assert.is(dataOf(client.ask(`vFile:readlink:${link}`)), '/');
  const mode = (call: string): number =>
    Buffer.from(dataOf(client.ask(`vFile:${call}:${link}`)), 'latin1').readUInt32BE(8) & 0o170000;
  assert.is(mode('stat'), 0o040000);
  assert.is(mode('lstat'), 0o120000);
});

test('what gdb shows of a process is in its files', async () => {
  const { client, task, addr } = await debugged();
  const fd = client.ask(`vFile:open:${path(`/proc/${task.pid}/maps`)},0,1c0`).slice(1);
  assert.match(dataOf(client.ask(`vFile:pread:${fd},10000,0`)), `${hex(addr)}-`);
});

const bad: [string, string][] = [
  [`open:${path('/nothing')},0,0`, 'F-1,2'],
  [`open:${path('/proc')},1,0`, 'F-1,15'],
  [`open:${path('/proc/1/x/y')},0,0`, 'F-1,2'],
  [`open:zz,0,0`, 'F-1,16'],
  [`open:0,0,0`, 'F-1,16'],
  [`open:${path('a\0b')},0,0`, 'F-1,16'],
  [`open:${path('/tmp')}`, 'F-1,16'],
  [`open:${path('/tmp')},0,0,0`, 'F-1,16'],
  [`open:${path(`/${'a'.repeat(5000)}`)},0,0`, 'F-1,5b'],
  ['pread:0,10,0', 'F-1,9'],
  ['pread:zz,10,0', 'F-1,16'],
  ['pread:0', 'F-1,16'],
  ['pwrite:0,0', 'F-1,16'],
  ['pwrite:0,0,x', 'F-1,9'],
  ['fstat:ffffffff', 'F-1,9'],
  ['close:-1', 'F-1,16'],
  ['readlink:', 'F-1,2'],
  [`readlink:${path('/tmp')}`, 'F-1,16'],
  ['nothing:0', ''],
  ['', ''],
];

for (const [request, reply] of bad) {
  test(`vFile:${request.slice(0, 40)} is answered with ${JSON.stringify(reply)}`, async () => {
    const { client } = await debugged();
    assert.is(client.ask(`vFile:${request}`), reply);
  });
}

test('a client opens so many files at once and no more, and leaves none open', async () => {
  const { client, machine } = await debugged();
  machine.addFile('/tmp/file', new Uint8Array(1));
  const open = `vFile:open:${path('/tmp/file')},0,0`;
  const replies = Array.from({ length: 257 }, () => client.ask(open));
  assert.is(replies[255], 'Fff');
  assert.is(replies[256], 'F-1,18');
  assert.is(client.ask('vFile:close:7'), 'F0');
  assert.is(client.ask(open), 'F7');
  client.session.close();
  const debuggerTask = machine.tasks().find(({ comm }) => comm === 'gdbserver');
  assert.equal(machine.spawn().readdir(`/proc/${debuggerTask?.tid}/fd`), []);
});

test.run();
