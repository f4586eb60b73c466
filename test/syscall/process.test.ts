import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Guest } from './guest.js';

const test = suite('syscall/process');

const EPERM = -1;
const ESRCH = -3;
const ECHILD = -10;
const EINVAL = -22;
const ERESTARTSYS = -512;
const CLONE_THREAD = 0x10000 | 0x800 | 0x400 | 0x200 | 0x100;
const CLONE_PARENT_SETTID = 0x100000;
const SIGCHLD = 17;

test('wait4 of a running child would sleep; of a zombie it stores the status', async () => {
  const guest = await Guest.create();
  const pid = guest.call('fork');
  const status = guest.buffer(4);
  assert.is(guest.call('wait4', -1, status, 0, 0), ERESTARTSYS);
  assert.is(guest.call('wait4', -1, status, 1, 0), 0);
  guest.machine.task(Number(pid))?.exit(7);
  assert.is(guest.call('wait4', -1, status, 0, 0), pid);
  assert.is(guest.task.load32(status), 7 << 8);
  assert.is(guest.call('wait4', -1, status, 0, 0), ECHILD);
});

test('waitid fills a siginfo', async () => {
  const guest = await Guest.create();
  const pid = guest.call('fork');
  guest.call('kill', pid, 9);
  const info = guest.buffer(128);
  assert.is(guest.call('waitid', 0, 0, info, 4, 0), 0);
  assert.equal(guest.u32s(info, 7), [SIGCHLD, 0, 2, 0, pid, 0, 9]);
});

test('clone of a thread keeps the process, and stores its number where asked', async () => {
  const guest = await Guest.create();
  const at = guest.buffer(4);
  const tid = guest.call('clone', CLONE_THREAD | CLONE_PARENT_SETTID, 0, at, 0, 0);
  assert.is(guest.task.load32(at), tid);
  assert.is(guest.machine.task(Number(tid))?.pid, guest.task.pid);
});

test('clone3 has its exit signal in a field of its own', async () => {
  const guest = await Guest.create();
  const args = new BigUint64Array(11);
  args[4] = BigInt(SIGCHLD);
  assert.ok(Number(guest.call('clone3', new Uint8Array(args.buffer), 88)) > 0);
  args[0] = 17n;
  assert.is(guest.call('clone3', new Uint8Array(args.buffer), 88), EINVAL);
  assert.is(guest.call('clone3', new Uint8Array(args.buffer), 63), EINVAL);
});

test('getppid is the parent process, getpgid and getsid are its group and session', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  assert.is(child.syscall('getppid'), guest.task.pid);
  assert.is(child.syscall('getpgid', 0), guest.call('getpgid', 0));
  assert.is(child.syscall('setsid'), child.pid);
  assert.is(child.syscall('getsid', 0), child.pid);
  assert.is(child.syscall('setsid'), EPERM);
  assert.is(guest.call('setpgid', child.pid, 0), EPERM);
  assert.is(guest.call('getsid', 99999), ESRCH);
});

test('a process puts a child into a group of its own', async () => {
  const guest = await Guest.create();
  const child = guest.task.fork();
  assert.is(guest.call('setpgid', child.pid, child.pid), 0);
  assert.is(child.syscall('getpgrp'), child.pid);
  assert.is(guest.call('setpgid', 0, child.pid), 0);
  assert.is(guest.call('setpgid', 0, 12345), EPERM);
  assert.is(guest.call('setpgid', 0, -5), EINVAL);
});

test('prlimit64 reads and sets both limits', async () => {
  const guest = await Guest.create();
  const limits = new Uint8Array(new BigUint64Array([10n, 20n]).buffer);
  const old = guest.buffer(16);
  assert.is(guest.call('prlimit64', 0, 7, limits, old), 0);
  assert.is(guest.task.load64(old), 1024n);
  assert.is(guest.call('prlimit64', 0, 7, 0, old), 0);
  assert.is(guest.task.load64(old), 10n);
  assert.is(guest.task.load64(old + 8), 20n);
  assert.is(guest.call('getrlimit', 99, old), EINVAL);
  assert.is(guest.call('prlimit64', 99999, 7, 0, old), ESRCH);
});

test('personality gives the old one; all ones only ask', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('personality', 0x40000), 0);
  assert.is(guest.call('personality', 0xffffffff), 0x40000);
  assert.is(guest.task.fork().syscall('personality', -1), 0x40000);
});

test('arch_prctl keeps the base of fs in the registers', async () => {
  const guest = await Guest.create();
  const at = guest.buffer(8);
  assert.is(guest.call('arch_prctl', 0x1002, 0x7fff_f7fb_0740), 0);
  assert.is(guest.call('arch_prctl', 0x1003, at), 0);
  assert.is(guest.task.load64(at), 0x7fff_f7fb_0740n);
  assert.is(guest.call('arch_prctl', 0x1002, 2n ** 63n), EPERM);
  assert.is(guest.call('arch_prctl', 5, 0), EINVAL);
});

test('prctl options are cut to 32 bits', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('prctl', 0x1_0000_0003), 1);
  assert.is(guest.call('prctl', 999), EINVAL);
});

test('the options of waitid are looked at before the descriptor', async () => {
  const guest = await Guest.create();
  assert.is(guest.call('waitid', 3, 900, 0, 1, 0), -22);
  assert.is(guest.call('waitid', 3, 900, 0, 5, 0), -9);
});

test.run();
