import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import { Guest, type GuestArg } from './guest.js';

const AF_UNIX = 1;
const [STREAM, DGRAM, SEQPACKET] = [1, 2, 5];
const [PEEK, TRUNC, DONTWAIT, NOSIGNAL] = [2, 0x20, 0x40, 0x4000];
const NONBLOCK = 0o4000;

function answer(result: number | bigint): number | string {
  const value = Number(result);
  return value < 0 ? errnoName(-value) : value;
}

/** A struct sockaddr_un; its length is that of the array. */
function address(path: string, family = AF_UNIX, length = 110): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([family, 0, ...new TextEncoder().encode(path)].slice(0, length));
  return bytes;
}

async function setup() {
  const guest = await Guest.create();
  guest.call('chdir', '/tmp');
  const buffer = guest.buffer(65536);
  const call = (name: string, ...args: GuestArg[]) => answer(guest.call(name, ...args));
  const at = (fd: number, name: string, path: string) => call(name, fd, address(path), 110);
  return {
    guest,
    buffer,
    call,
    socket: (type: number) => Number(guest.call('socket', AF_UNIX, type, 0)),
    connect: (fd: number, path: string) => at(fd, 'connect', path),
    bind: (fd: number, path: string) => at(fd, 'bind', path),
    pair(type: number): [number, number] {
      const fds = guest.buffer(8);
      guest.call('socketpair', AF_UNIX, type, 0, fds);
      return guest.u32s(fds, 2) as [number, number];
    },
    poll(fd: number): number {
      const pollfd = guest.put(new Uint8Array(new Int32Array([fd, -1]).buffer));
      guest.call('poll', pollfd, 1, 0);
      return guest.task.load32(pollfd + 4) >>> 16;
    },
    recv: (fd: number, length: number, flags = 0) =>
      call('recvfrom', fd, buffer, length, flags, 0, 0),
    send: (fd: number, text: string, flags = 0) =>
      call('sendto', fd, text, text.length, flags, 0, 0),
    text: (length: number) => new TextDecoder().decode(guest.task.load(buffer, length)),
    word: (value: number) => guest.put(new Uint8Array(new Int32Array([value]).buffer)),
  };
}

const test = suite('syscall/socket');

test('a socket is of a family, a type and a protocol that go together', async () => {
  const { call } = await setup();
  const rows: readonly [number[], number | string][] = [
    [[99, STREAM, 0], 'EAFNOSUPPORT'],
    [[17, DGRAM, 0], 'EAFNOSUPPORT'],
    [[2, STREAM, 17], 'EPROTONOSUPPORT'],
    [[10, SEQPACKET, 0], 'ESOCKTNOSUPPORT'],
    [[2, 3, 1], 'EPROTONOSUPPORT'],
    [[16, STREAM, 0], 'ESOCKTNOSUPPORT'],
    [[16, 3, 9], 'EPROTONOSUPPORT'],
    [[AF_UNIX, 9, 0], 'ESOCKTNOSUPPORT'],
    [[AF_UNIX, 4, 0], 'ESOCKTNOSUPPORT'],
    [[AF_UNIX, STREAM, 7], 'EPROTONOSUPPORT'],
    [[AF_UNIX, STREAM | 0x40, 0], 'EINVAL'],
  ];
  for (const [args, expected] of rows) assert.is(call('socket', ...args), expected, String(args));
  assert.is(call('socketpair', AF_UNIX, STREAM, 0, 8), 'EFAULT');
  assert.is(call('socketpair', 99, STREAM, 0, 0x200000080000), 'EAFNOSUPPORT');
});

test('connect says what is wrong with an address, or with who has it', async () => {
  const { guest, call, socket, connect, bind } = await setup();
  const c = socket(STREAM);
  guest.task.writeFile('/tmp/file', '');
  assert.is(connect(c, 'nope'), 'ENOENT');
  assert.is(connect(c, 'file'), 'ECONNREFUSED');
  assert.is(connect(99, 'x'), 'EBADF');
  assert.is(connect(Number(guest.call('open', 'file', 0, 0)), 'x'), 'ENOTSOCK');
  assert.is(call('connect', c, 8, 20), 'EFAULT');
  assert.is(call('connect', c, address('x', 2), 110), 'EINVAL');
  for (const length of [1, 2, 200]) {
    assert.is(call('connect', c, address('x', AF_UNIX, 200), length), 'EINVAL', String(length));
  }
  const l = socket(STREAM);
  assert.is(call('listen', l, 5), 'EINVAL');
  assert.is(bind(l, 's'), 0);
  assert.is(bind(l, 's2'), 'EINVAL');
  assert.is(connect(c, 's'), 'ECONNREFUSED');
  assert.is(call('accept', l, 0, 0), 'EINVAL');
  assert.is(call('listen', l, 1), 0);
  assert.is(connect(socket(DGRAM), 's'), 'EPROTOTYPE');
  assert.is(bind(socket(STREAM), 's'), 'EADDRINUSE');
  assert.is(guest.task.stat('/tmp/s').mode, 0o140755);
  assert.is(call('open', 's', 0, 0), 'ENXIO');
  assert.is(call('read', c, 0, 1), 'EINVAL');
  assert.is(call('write', c, 'x', 1), 'ENOTCONN');
});

test('who listens accepts, and both ends talk', async () => {
  const { guest, call, socket, connect, bind, text, buffer, word } = await setup();
  const [l, c] = [socket(STREAM), socket(STREAM | NONBLOCK)];
  bind(l, 's');
  call('listen', l, 1);
  assert.is(connect(c, 's'), 0);
  assert.is(connect(c, 's'), 'EISCONN');
  assert.is(connect(socket(STREAM | NONBLOCK), 's'), 0);
  assert.is(connect(socket(STREAM | NONBLOCK), 's'), 'EAGAIN');
  const size = word(110);
  const s = Number(guest.call('accept4', l, buffer, size, 0));
  assert.is(guest.task.load32(size), 2);
  assert.is(call('write', c, 'hi', 2), 2);
  assert.is(call('read', s, buffer, 10), 2);
  assert.is(text(2), 'hi');
  for (const [fd, name] of [
    [s, 'getsockname'],
    [c, 'getpeername'],
  ] as const) {
    guest.task.store32(size, 110);
    assert.is(call(name, fd, buffer, size), 0);
    assert.equal([guest.task.load32(size), text(4).slice(2)], [4, 's\0']);
  }
  assert.match(guest.task.readlink(`/proc/self/fd/${s}`), /^socket:\[\d+\]$/);
  assert.is(call('lseek', s, 0, 0), 'ESPIPE');
});

test('a stream gives bytes as they come, and ends when the other end does', async () => {
  const { call, pair, recv, send, poll, buffer } = await setup();
  const [a, b] = pair(STREAM);
  assert.is(send(a, 'hello'), 5);
  assert.is(recv(b, 2, PEEK), 2);
  assert.is(recv(b, 2), 2);
  assert.is(recv(b, 10, DONTWAIT), 3);
  assert.is(recv(b, 10, DONTWAIT), 'EAGAIN');
  assert.is(recv(b, 10), 'ERESTARTSYS');
  send(a, 'abc');
  assert.is(poll(b), 0x345);
  recv(b, 10);
  assert.is(poll(b), 0x304);
  assert.is(call('shutdown', a, 1), 0);
  assert.is(poll(b), 0x2345);
  assert.is(recv(b, 10), 0);
  assert.is(send(a, 'x', NOSIGNAL), 'EPIPE');
  assert.is(send(b, 'x'), 1);
  assert.is(call('shutdown', a, 9), 'EINVAL');
  call('close', b);
  assert.is(poll(a), 0x2355);
  assert.is(recv(a, 10), 1);
  assert.is(recv(a, 10), 0);
  const [c, d] = pair(STREAM);
  send(c, 'left');
  call('close', d);
  assert.is(call('read', c, buffer, 1), 'ECONNRESET');
  assert.is(call('read', c, buffer, 1), 0);
  assert.is(send(c, 'x', NOSIGNAL), 'EPIPE');
});

test('datagrams and sequences keep their bounds', async () => {
  const { call, pair, recv, send, buffer } = await setup();
  const [a, b] = pair(DGRAM);
  for (const text of ['one', '', 'three']) assert.is(send(a, text), text.length);
  assert.is(call('read', b, buffer, 2), 2);
  assert.is(call('read', b, buffer, 10), 0);
  assert.is(recv(b, 2, TRUNC), 5);
  assert.is(recv(b, 2, DONTWAIT), 'EAGAIN');
  call('close', b);
  assert.is(send(a, 'x'), 'ECONNREFUSED');
  const [c, d] = pair(SEQPACKET);
  send(c, 'one');
  send(c, 'two');
  assert.is(recv(d, 2), 2);
  assert.is(recv(d, 10), 3);
});

test('a datagram finds its receiver by a path or an abstract name', async () => {
  const { guest, call, socket, bind, recv } = await setup();
  const [d, e] = [socket(DGRAM), socket(DGRAM)];
  bind(d, 'd');
  const to = (fd: number, path: string, length = 110) =>
    call('sendto', fd, 'abc', 3, 0, address(path), length);
  assert.is(to(e, 'd'), 3);
  assert.is(to(e, 'zz'), 'ENOENT');
  assert.is(recv(d, 10), 3);
  assert.is(call('bind', e, address('\0abs'), 6), 0);
  assert.is(to(d, '\0abs', 6), 3);
  assert.is(recv(e, 9), 3);
  const g = socket(DGRAM);
  assert.is(call('bind', g, address('\0abs'), 6), 'EADDRINUSE');
  assert.is(call('bind', g, address(''), 2), 0);
  const size = guest.put(new Uint8Array([110, 0, 0, 0]));
  call('getsockname', g, guest.buffer(110), size);
  assert.is(guest.task.load32(size), 8);
  assert.is(call('accept', d, 0, 0), 'EOPNOTSUPP');
  assert.is(call('listen', d, 1), 'EOPNOTSUPP');
});

test('options say what a socket is', async () => {
  const { guest, call, pair, buffer, word } = await setup();
  const [a] = pair(STREAM);
  const option = (level: number, name: number): number | string => {
    const size = word(4);
    const result = call('getsockopt', a, level, name, buffer, size);
    return result === 0 ? guest.task.load32(buffer) : result;
  };
  const rows: readonly [number, number | string][] = [
    [3, STREAM],
    [4, 0],
    [7, 212992],
    [8, 212992],
    [30, 0],
    [39, AF_UNIX],
    [38, 0],
    [2, 0],
    [9, 0],
    [999, 'ENOPROTOOPT'],
  ];
  for (const [name, expected] of rows) assert.is(option(1, name), expected, String(name));
  assert.is(option(6, 1), 'EOPNOTSUPP');
  assert.is(option(1, 17), guest.task.pid);
  assert.is(call('setsockopt', a, 1, 2, buffer, 4), 0);
  assert.is(call('setsockopt', a, 1, 2, buffer, 2), 'EINVAL');
  assert.is(call('setsockopt', a, 1, 999, buffer, 4), 'ENOPROTOOPT');
});

test('an open file travels with a message', async () => {
  const { guest, call, pair, buffer } = await setup();
  const [a, b] = pair(STREAM);
  guest.task.writeFile('/tmp/file', 'travels');
  const fd = Number(guest.call('open', 'file', 0, 0));
  const control = guest.put(new Uint8Array(24));
  const header = (): number => {
    const iov = guest.iov([buffer, 5]);
    const words = [0n, 0n, BigInt(iov), 1n, BigInt(control), 24n, 0n];
    return guest.put(new Uint8Array(new BigUint64Array(words).buffer));
  };
  guest.task.store(
    control,
    new Uint8Array(new BigUint64Array([20n, 1n | (1n << 32n), BigInt(fd)]).buffer),
  );
  assert.is(call('sendmsg', a, header(), 0), 5);
  guest.call('close', fd);
  const got = header();
  assert.is(call('recvmsg', b, got, 0), 5);
  assert.is(guest.task.load32(got + 40), 24);
  const arrived = guest.task.load32(control + 16);
  assert.is(call('read', arrived, buffer, 10), 7);
  const plain = header();
  guest.task.store32(plain + 40, 0);
  assert.is(call('sendmsg', a, plain, 0), 5);
  assert.is(call('recvmsg', b, header(), 0), 5);
});

test('several messages are sent and read by one call, and an error after the first ends it quietly', async () => {
  const { guest, call, pair, buffer } = await setup();
  const [a, b] = pair(DGRAM);
  const words = [0n, 0n, BigInt(guest.iov([buffer, 5])), 1n, 0n, 0n, 0n, 0n];
  const messages = guest.put(new Uint8Array(new BigUint64Array([...words, ...words]).buffer));
  guest.task.store(buffer, new TextEncoder().encode('hello'));
  assert.is(call('sendmmsg', a, messages, 2, 0), 2);
  assert.equal(
    [56, 120].map((at) => guest.task.load32(messages + at)),
    [5, 5],
  );
  assert.is(call('recvmmsg', b, messages, 1, 0, 0), 1);
  assert.is(call('recvmmsg', b, messages, 2, 0, 0), 1, 'the second has not come');
  assert.is(call('recvmmsg', b, messages, 2, DONTWAIT, 0), 'EAGAIN');
  assert.is(call('sendmmsg', a, 8, 1, 0), 'EFAULT');
  assert.is(call('sendmmsg', 99, messages, 1, 0), 'EBADF');
  guest.task.store32(messages + 64 + 24, 5000);
  assert.is(call('sendmmsg', a, messages, 2, 0), 1, 'the second has too many segments');
});

test.run();
