import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { Guest } from './guest.js';

const test = suite('syscall/ptrace');

const EIO = -5;
const ENXIO = -6;
const EFAULT = -14;
const EINVAL = -22;
const EOPNOTSUPP = -95;
const EACCES = -13;
const BAD = 8;
const SIGUSR1 = 10;
const SIGUSR2 = 12;

// include/uapi/linux/ptrace.h
const PEEKUSR = 3;
const POKEUSR = 6;
const CONT = 7;
const GETREGS = 12;
const SETREGS = 13;
const GETFPREGS = 14;
const SETFPREGS = 15;
const ATTACH = 16;
const SETOPTIONS = 0x4200;
const GETEVENTMSG = 0x4201;
const GETSIGINFO = 0x4202;
const SETSIGINFO = 0x4203;
const GETREGSET = 0x4204;
const SETREGSET = 0x4205;
const PEEKSIGINFO = 0x4209;
const GETSIGMASK = 0x420a;
const SETSIGMASK = 0x420b;

/** A tracer and a child it has attached to; requests about the child. */
async function traced(): Promise<{
  guest: Guest;
  child: Task;
  ask: (request: number, addr: number | bigint, data: number | bigint) => number | bigint;
}> {
  const guest = await Guest.create();
  const child = guest.task.fork();
  const ask = (request: number, addr: number | bigint, data: number | bigint): number | bigint =>
    guest.call('ptrace', request, child.pid, addr, data);
  assert.is(ask(ATTACH, 0, 0), 0);
  return { guest, child, ask };
}

test('PEEKUSR reads struct user by the word, POKEUSR registers that user mode may have', async () => {
  const { guest, ask } = await traced();
  const word = guest.buffer(8);
  for (const offset of [0, 8, 216, 512, 848, 904]) assert.is(ask(PEEKUSR, offset, word), 0);
  for (const offset of [4, 220, 912, -8]) assert.is(ask(PEEKUSR, offset, word), EIO);
  assert.is(ask(PEEKUSR, 0, 0), EFAULT);
  const rows: [register: number, value: number | bigint, expected: number][] = [
    [17, 0, EIO],
    [17, 0x33, 0],
    [17, 0x30, EIO],
    [20, 0, EIO],
    [23, 0, 0],
    [23, 0x30, EIO],
    [23, 0x2b, 0],
    [21, 0x7ffffffff000, EIO],
    [21, 0x7fffffffefff, 0],
    [22, -1, EIO],
    [0, -1, 0],
  ];
  for (const [register, value, expected] of rows) {
    assert.is(ask(POKEUSR, 8 * register, value), expected, `${register} ${value}`);
  }
  assert.is(ask(POKEUSR, 216, 0), EIO);
  assert.is(ask(POKEUSR, 848, 0), 0);
  ask(POKEUSR, 8 * 18, -1);
  ask(PEEKUSR, 8 * 18, word);
  assert.is(guest.task.load64(word), 0x54fd7n);
});

test('GETREGS and SETREGS take all registers, up to one that is refused', async () => {
  const { guest, child, ask } = await traced();
  const regs = guest.buffer(216);
  assert.is(ask(GETREGS, 0, regs), 0);
  assert.is(ask(GETREGS, 0, BAD), EFAULT);
  guest.task.store64(regs, 0x1234n);
  guest.task.store64(regs + 8 * 17, 0n);
  assert.is(ask(SETREGS, 0, regs), EIO);
  assert.is(child.struct.regs?.[0], 0x34);
  assert.is(ask(SETREGS, 0, BAD), EFAULT);
});

test('GETFPREGS and SETFPREGS keep the area of fxsave, with a sane MXCSR', async () => {
  const { guest, ask } = await traced();
  const area = guest.buffer(512);
  assert.is(ask(GETFPREGS, 0, area), 0);
  assert.equal(guest.u32s(area + 24, 2), [0x1f80, 0xffff]);
  guest.task.store(area + 160, Uint8Array.of(7));
  assert.is(ask(SETFPREGS, 0, area), 0);
  guest.task.store(area + 24, Uint8Array.of(255, 255, 255, 255));
  assert.is(ask(SETFPREGS, 0, area), EINVAL);
  assert.is(ask(GETFPREGS, 0, area), 0);
  assert.is(guest.task.load(area + 160, 1)[0], 7);
});

const REGSETS: [request: number, type: number, length: number, result: number, left: number][] = [
  [GETREGSET, 1, 0, 0, 0],
  [GETREGSET, 1, 4, EINVAL, 4],
  [GETREGSET, 1, 8, 0, 8],
  [GETREGSET, 1, 224, 0, 216],
  [GETREGSET, 2, 832, 0, 512],
  [GETREGSET, 0x202, 4096, 0, 832],
  [GETREGSET, 0x201, 8, ENXIO, 8],
  [GETREGSET, 3, 8, EINVAL, 8],
  [SETREGSET, 2, 0, EINVAL, 0],
  [SETREGSET, 2, 504, EINVAL, 504],
  [SETREGSET, 2, 520, 0, 512],
  [SETREGSET, 0x202, 512, EFAULT, 512],
  [SETREGSET, 0x202, 840, 0, 832],
  [SETREGSET, 0x201, 8, EOPNOTSUPP, 8],
];

test('GETREGSET and SETREGSET go by type and length, and say how much there was', async () => {
  const { guest, ask } = await traced();
  const area = guest.buffer(4096);
  for (const [request, type, length, result, left] of REGSETS) {
    if (request === SETREGSET) ask(GETREGSET, type, guest.iov([area, 4096]));
    const iov = guest.iov([area, length]);
    assert.is(ask(request, type, iov), result, `${request} ${type} ${length}`);
    assert.is(Number(guest.task.load64(iov + 8)), left);
  }
  assert.is(ask(GETREGSET, 1, BAD), EFAULT);
  assert.is(ask(GETREGSET, 1, guest.iov([BAD, 216])), EFAULT);
});

test('GETSIGINFO tells of the stop, SETSIGINFO changes it', async () => {
  const { guest, ask } = await traced();
  const info = guest.buffer(128);
  assert.is(ask(GETSIGINFO, 0, info), 0);
  assert.equal(guest.u32s(info, 5), [19, 0, 0x80, 0, 0]);
  assert.is(ask(GETSIGINFO, 0, BAD), EFAULT);
  assert.is(ask(SETSIGINFO, 0, BAD), EFAULT);
  guest.task.store(info + 8, Uint8Array.of(1));
  assert.is(ask(SETSIGINFO, 0, info), 0);
  assert.is(ask(CONT, 0, 19), 0);
  assert.is(ask(GETSIGINFO, 0, info), EINVAL);
});

test('PEEKSIGINFO lists what waits for the thread, or for the process', async () => {
  const { guest, child, ask } = await traced();
  const { pid } = guest.task;
  for (const signal of [SIGUSR1, SIGUSR1, 34, 34]) guest.call('kill', child.pid, signal);
  guest.call('tgkill', child.pid, child.pid, SIGUSR2);
  const into = guest.buffer(128 * 10);
  const args = (offset: number, flags: number, count: number): number =>
    guest.put(new Uint8Array(new Int32Array([offset, 0, flags, count]).buffer));
  assert.is(ask(PEEKSIGINFO, args(0, 0, 10), into), 1);
  assert.equal(guest.u32s(into, 3), [SIGUSR2, 0, -6 >>> 0]);
  assert.is(ask(PEEKSIGINFO, args(0, 1, 10), into), 3);
  assert.equal(guest.u32s(into + 128, 5), [34, 0, 0, 0, pid]);
  assert.is(ask(PEEKSIGINFO, args(3, 1, 10), into), 0);
  assert.is(ask(PEEKSIGINFO, args(0, 2, 10), into), EINVAL);
  assert.is(ask(PEEKSIGINFO, args(0, 0, -1), into), EINVAL);
  assert.is(ask(PEEKSIGINFO, args(0, 0, 1), BAD), EFAULT);
  assert.is(ask(PEEKSIGINFO, BAD, into), EFAULT);
});

test('GETSIGMASK and SETSIGMASK take a mask of 8 bytes; two signals are never held back', async () => {
  const { guest, ask } = await traced();
  const mask = guest.put(new Uint8Array(8).fill(255));
  assert.is(ask(SETSIGMASK, 8, mask), 0);
  assert.is(ask(GETSIGMASK, 8, mask), 0);
  assert.is(guest.task.load64(mask), 0xfffffffffffbfeffn);
  assert.is(ask(GETSIGMASK, 4, mask), EINVAL);
  assert.is(ask(GETSIGMASK, 8, BAD), EFAULT);
  assert.is(ask(SETSIGMASK, 8, BAD), EFAULT);
});

const OTHERS: [request: number, addr: number, data: 'buffer' | number, expected: number][] = [
  [0x420c, 0, 0, EINVAL], // SECCOMP_GET_FILTER
  [0x420d, 0, 'buffer', EINVAL], // SECCOMP_GET_METADATA
  [0x420d, 16, BAD, EFAULT],
  [0x420e, 0, BAD, 24], // GET_SYSCALL_INFO
  [0x420e, 88, 'buffer', 24],
  [0x420e, 8, BAD, EFAULT],
  [0x420f, 24, 'buffer', 24], // GET_RSEQ_CONFIGURATION
  [0x420f, 24, BAD, EFAULT],
  [0x4210, 8, 'buffer', EINVAL], // SET_SYSCALL_USER_DISPATCH_CONFIG
  [0x4211, 32, 'buffer', 0],
  [0x4211, 8, 'buffer', EINVAL],
  [0x4212, 0, 'buffer', EINVAL], // SET_SYSCALL_INFO
  [0x4212, 88, BAD, EFAULT],
  [0x4213, 0, 'buffer', EIO],
  [GETEVENTMSG, 0, 'buffer', 0],
  [GETEVENTMSG, 0, BAD, EFAULT],
  [SETOPTIONS, 0, 0x100, EINVAL],
  [SETOPTIONS, 0, 0x3000ff, 0],
  [25, 0, 'buffer', EINVAL],
  [30, 0, 'buffer', EINVAL],
  [18, 0, 'buffer', EIO],
];

test('requests about what no task has answer as for a task without it', async () => {
  const { guest, ask } = await traced();
  const buffer = guest.buffer(128);
  for (const [request, addr, data, expected] of OTHERS) {
    const where = data === 'buffer' ? buffer : data;
    assert.is(ask(request, addr, where), expected, `${request.toString(16)} ${addr}`);
  }
  ask(0x420e, 88, buffer);
  assert.is(guest.u32s(buffer + 4, 1)[0], 0xc000003e);
});

test('seccomp filters are for CAP_SYS_ADMIN only', async () => {
  const guest = await Guest.create({ uid: 1000 });
  const child = guest.task.fork();
  assert.is(guest.call('ptrace', ATTACH, child.pid, 0, 0), 0);
  assert.is(guest.call('ptrace', 0x420c, child.pid, 0, 0), EACCES);
  assert.is(guest.call('ptrace', SETOPTIONS, child.pid, 0, 0x200000), -1);
});

test('waitid tells a stop for the tracer from a group stop', async () => {
  const { guest, child } = await traced();
  const info = guest.buffer(128);
  assert.is(guest.call('waitid', 1, child.pid, info, 2 | 1 | 0x01000000, 0), 0);
  assert.equal(guest.u32s(info, 7), [17, 0, 4, 0, child.pid, 0, 19]);
  const pidfd = guest.call('pidfd_open', child.pid, 0);
  assert.is(guest.call('waitid', 3, pidfd, info, 2 | 1, 0), 0);
  assert.is(guest.call('waitid', 3, -1, info, 2 | 1, 0), EINVAL);
  assert.is(guest.call('waitid', 3, 99, info, 2 | 1, 0), -9);
});

test.run();
