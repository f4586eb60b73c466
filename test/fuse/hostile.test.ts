// Requests as no kernel makes them, in any order: the server goes on and answers the next good one.
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import * as abi from '../../src/fuse/abi.js';
import { FuseServer } from '../../src/fuse/server.js';
import { Machine } from '../../src/machine.js';
import { encode, FuseClient, INIT, pack } from './client.js';

const test = suite('fuse/hostile');
const machine = await Machine.create();
const target = machine.spawn({ uid: 1000 });
const addr = Number(target.mmap({ length: 8192 }));
machine.spawn().exit();
const problems: unknown[] = [];
const onError = (error: unknown): void => void problems.push(error);

/** Numbers that mean something now and then, and others. */
const small = fc.integer({ min: 0, max: 12 });
const u32 = fc.oneof(small, fc.integer({ min: 0, max: 0xffffffff }));
const u64 = fc.oneof(
  small.map(BigInt),
  fc.constantFrom(BigInt(addr), BigInt(addr + 4096), (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);
const name = fc
  .constantFrom(
    'self',
    '1',
    String(target.pid),
    'mem',
    'maps',
    'task',
    'fd',
    'comm',
    '',
    '..',
    '/',
    'é',
  )
  .map((text) => new TextEncoder().encode(`${text}\0`));

const open = fc
  .tuple(fc.constantFrom(0, 1, 2, 3, 0x8000, 0x10000, 0x4000, 0x200000, -1), u32)
  .map(([flags, openFlags]) => pack(abi.OPEN_IN, { flags, openFlags }));
const transfer = fc
  .tuple(u64, u64, u32, fc.uint8Array({ maxLength: 64 }))
  .map(([fh, offset, size, tail]) => pack(abi.READ_IN, { fh, offset, size }, tail));
const attributes = fc
  .tuple(fc.integer({ min: 0, max: 0x7ff }), u64, u64, u32, u32)
  .map(([valid, fh, size, uid, mode]) =>
    pack(abi.SETATTR_IN, { valid, fh, size, uid, mode, atime: size }),
  );
const body = fc.oneof(name, open, transfer, attributes, fc.uint8Array({ maxLength: 128 }));

const opcodes = Object.entries(abi).flatMap(([key, value]) =>
  /^FUSE_[A-Z0-9]+$/.test(key) && typeof value === 'number' && value < 64 ? [value] : [],
);
const opcode = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...opcodes) },
  { weight: 1, arbitrary: u32 },
);
const caller = fc.record({ uid: fc.constantFrom(0, 1000, 1001, 0xffffffff), gid: u32, pid: small });
const request = fc
  .tuple(opcode, small, body, caller)
  .map(([code, node, bytes, who]) => encode(code, node, bytes, who));
/** Sound requests with a bit turned over or an end cut off, and noise. */
const damaged = fc
  .tuple(request, fc.nat(), fc.nat(), fc.boolean())
  .map(([bytes, at, cut, keep]) => {
    const copy = bytes.slice(0, keep ? bytes.length : cut % (bytes.length + 1));
    if (copy.length > 0) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << (at % 8));
    return copy;
  });
const anything = fc.oneof(
  { weight: 6, arbitrary: request },
  { weight: 2, arbitrary: damaged },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
);

/** What must hold of any answer: the kernel would refuse another. */
function checkReply(bytes: Uint8Array, reply: Uint8Array | null): void {
  if (reply === null) return;
  const { len, error } = abi.OUT_HEADER.decode(reply);
  assert.is(len, reply.length);
  assert.ok(error <= 0 && error > -512, `error ${error}`);
  assert.equal(reply.subarray(8, 16), bytes.subarray(8, 16));
  if (error !== 0) assert.is(len, abi.OUT_HEADER.size);
}

test('whatever comes, nothing is thrown, nothing is left, and the next good request is answered', () => {
  const before = machine.stats().framesInUse;
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 60 }), fc.boolean(), (requests, initialised) => {
      const server = new FuseServer(machine.vfs, { onError });
      const host = new FuseClient(server);
      if (initialised) host.init();
      for (const bytes of requests) checkReply(bytes, server.handle(bytes));
      // One of them may have been an INIT.
      if (!initialised) host.send(abi.FUSE_INIT, 0, INIT);
      assert.match(host.text('uptime'), /^\d+\.\d\d \d+\.\d\d\n$/);
      server.release();
      assert.equal(problems, []);
    }),
    { numRuns: 1500 },
  );
  assert.is(machine.stats().framesInUse, before);
});

test('a read gives no more than was asked for, however much that is', () => {
  const host = new FuseClient(new FuseServer(machine.vfs, { onError })).init();
  const fh = host.open(`${target.pid}/mem`) as number;
  for (const size of [0, 1, 8191, 8192, 8193, 1 << 20, 0xffffffff]) {
    assert.is(host.read(fh, addr, size).body.length, Math.min(size, 8192));
  }
  host.close(fh);
  host.server.release();
});

test.run();
