// Rows seen on Linux 6.18 after personality(READ_IMPLIES_EXEC).
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/personality');
const READ_IMPLIES_EXEC = 0x400000;
const ADDR_NO_RANDOMIZE = 0x40000;
const NOBODY = 2 ** 32 - 1;

function perms(guest: Guest, addr: number | bigint): string {
  const prefix = BigInt(addr).toString(16);
  const maps = guest.task.readText('/proc/self/maps').split('\n');
  return maps.find((line) => line.startsWith(`${prefix}-`))?.split(' ')[1] ?? 'none';
}

const mmaps: readonly (readonly [string, number, number, string])[] = [
  ['private, read', 1, 0x22, 'r-xp'],
  ['private, read and write', 3, 0x22, 'rwxp'],
  ['private, write', 2, 0x22, '-w-p'],
  ['private, nothing', 0, 0x22, '---p'],
  ['shared, read', 1, 0x21, 'r-xs'],
];
test('what can be read can be executed, wherever it comes from', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('personality', READ_IMPLIES_EXEC), 0);
  for (const [name, prot, flags, expected] of mmaps) {
    const at = guest.call('mmap', 0, 4096, prot, flags, NOBODY, 0);
    assert.is(perms(guest, at), expected, name);
    guest.call('munmap', at, 4096);
  }
  const at = guest.call('mmap', 0, 4096, 0, 0x22, NOBODY, 0);
  for (const [prot, expected] of [
    [1, 'r-xp'],
    [2, '-w-p'],
    [0, '---p'],
  ] as const) {
    guest.call('mprotect', at, 4096, prot);
    assert.is(perms(guest, at), expected);
  }
  for (const flags of [0, 8]) {
    const fd = guest.call('memfd_create', 'x', flags);
    guest.call('ftruncate', fd, 4096);
    assert.is(perms(guest, guest.call('mmap', 0, 4096, 1, 1, fd, 0)), 'r-xs');
  }
  const id = guest.call('shmget', 0, 4096, 0o600);
  assert.is(perms(guest, guest.call('shmat', id, 0, 0o10000)), 'r-xs');
  assert.is(perms(guest, guest.call('shmat', id, 0, 0)), 'rwxs');
});

test('an exec takes it away, and of a set-id program the rest too', async () => {
  const rows = [
    [0o755, ADDR_NO_RANDOMIZE],
    [0o4755, 0],
    [0o2755, 0],
  ] as const;
  for (const [mode, left] of rows) {
    const guest = await Guest.create({ uid: 1000 });
    guest.machine.addFile('/program', new Uint8Array(4096), mode);
    guest.call('personality', READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE);
    const child = guest.task.fork();
    assert.is(child.syscall('personality', NOBODY), READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE);
    child.exec('/program');
    assert.is(child.syscall('personality', NOBODY), left, mode.toString(8));
    assert.not.match(child.readText('/proc/self/maps'), /rwxp/);
    assert.throws(() => guest.task.exec('/missing'), /ENOENT/);
    assert.is(guest.call('personality', NOBODY), READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE);
  }
});

test.run();
