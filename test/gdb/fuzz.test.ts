// Whatever a client sends, the session answers the next good request.
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { asciiBytes, framePacket, joinBytes } from '../../src/gdb/packet.js';
import { debugged, hex } from './client.js';

const test = suite('gdb/fuzz');
const RUNS = { numRuns: 400 };

/** Requests of every kind, with places for numbers. */
const SHAPES = [
  ...[
    'mN,N',
    'MN,N:H',
    'xN,N',
    'XN,N:B',
    'pN',
    'PN=H',
    'GH',
    'g',
    'HgT',
    'HcT',
    'TT',
    '?',
    'c',
    's',
  ],
  ...['vCont;c:T', 'vCont;sT;cT', 'vCont?', 'vAttach;N', 'vKill;N', 'D;N', 'ZN,N,N', 'zN,N,N'],
  ...['vFile:open:H,N,N', 'vFile:pread:N,N,N', 'vFile:pwrite:N,N,B', 'vFile:close:N'],
  ...['vFile:fstat:N', 'vFile:readlink:H', 'vFile:unlink:H', 'vFile:stat:H', 'vFile:B'],
  ...['qSupported:B', 'qXfer:auxv:read::N,N', 'qXfer:threads:read:B:N,N', 'qXfer:B:read::N,N'],
  ...['qXfer:features:read:target.xml:N,N', 'qXfer:osdata:read:processes:N,N', 'qXfer:B'],
  ...['qXfer:exec-file:read:N:N,N', 'qXfer:libraries-svr4:read::N,N', 'qXfer:siginfo:read::N,N'],
  ...['qSearch:memory:N;N;B', 'qCRC:N,N', 'qThreadExtraInfo,T', 'qAttached:N', 'qC', 'q', 'Q'],
  ...['qMemoryRegionInfo:N', 'qHostInfo', 'qProcessInfo', 'qsThreadInfo', 'qfThreadInfo'],
  ...['_MN,B', '_mN', 'B', 'jB', 'vB', '!', 'QB'],
];

const number = (addr: bigint) =>
  fc.oneof(
    fc.constantFrom(...['', '0', '1', '-1', 'ffffffff', '7fffffffffffffff', 'ffffffffffffffff']),
    fc.constantFrom(...['10000000000000000', 'zz', '0x10', ' ']),
    fc.integer({ min: -16, max: 0x4000 }).map((by) => hex(addr + BigInt(by))),
    fc.nat({ max: 0x20000 }).map(hex),
  );
const thread = fc.oneof(
  fc.constantFrom('', '0', '-1', 'p0.0', 'p-1.-1', 'p2', 'p2.2', 'p.', 'px', 'pffffffff.ffffffff'),
  fc.nat({ max: 8 }).map((n) => `p${hex(n)}.${hex(n)}`),
);
const binary = fc.uint8Array({ maxLength: 24 }).map((bytes) => String.fromCharCode(...bytes));
const hexText = fc.oneof(
  fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  fc.constantFrom('', '0', 'zz', '2f70726f63', '2f746d702f78'),
);

/** A request: a shape whose places are filled, possibly cut short. */
function request(addr: bigint): fc.Arbitrary<string> {
  return fc
    .record({
      shape: fc.constantFrom(...SHAPES),
      numbers: fc.array(number(addr), { minLength: 3, maxLength: 3 }),
      thread,
      binary,
      hexText,
      cut: fc.option(fc.nat({ max: 30 }), { freq: 4, nil: null }),
    })
    .map(({ shape, numbers, thread: name, binary: bytes, hexText: text, cut }) => {
      let i = 0;
      const word = /^\??(?:v|q|Q|_)?[A-Za-z0-9_-]*/.exec(shape)?.[0] ?? '';
      // The places are the capitals N, T, B and H that stand alone.
      const filled = shape.replace(
        /(?<![A-Za-z])([NTBH])(?![a-z])|(?<=^[mMxXpPGHTzZ]|^_[mM]|^Hg|^Hc|;s|;c)([NTBH])/g,
        (letter) => {
          if (letter === 'N') return numbers[i++ % 3] ?? '';
          if (letter === 'T') return name;
          return letter === 'B' ? bytes : text;
        },
      );
      assert.ok(word.length >= 0);
      return cut === null ? filled : filled.slice(0, cut);
    });
}

/** The session still answers; a process that goes on is interrupted first. */
async function survivor() {
  const made = await debugged('fuzz');
  const { client, machine, task, addr } = made;
  const survives = (): void => {
    // Ends a packet that was not over, and a wait.
    client.send(asciiBytes('#00\x03'));
    if (task.exited) return;
    client.ask(`vAttach;${hex(task.pid)}`);
    assert.match(client.ask('qC'), /^QC/);
    assert.match(client.ask(`m${hex(addr)},4`), /^[0-9a-f]{8}$/);
    assert.equal(machine.check(), []);
  };
  return { ...made, survives };
}

test('any bytes at all', async () => {
  const { client, survives } = await survivor();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      client.send(bytes);
      survives();
    }),
    RUNS,
  );
});

test('requests with numbers of every kind, whole and cut short', async () => {
  const { client, survives, addr, machine } = await survivor();
  const bystander = machine.spawn();
  fc.assert(
    fc.property(request(addr), (text) => {
      const replies = client.send(framePacket(asciiBytes(text)));
      assert.ok(replies.length <= 1, text);
      if (!client.session.running && !client.closed) survives();
      else client.send(new Uint8Array([3]));
    }),
    { numRuns: 3000 },
  );
  assert.not.ok(bystander.exited);
});

test('frames with a wrong byte, a wrong checksum, or cut short', async () => {
  const { client, survives, addr } = await survivor();
  const broken = fc.tuple(request(addr), fc.nat(), fc.nat({ max: 255 }), fc.boolean());
  fc.assert(
    fc.property(broken, ([text, at, byte, cut]) => {
      const frame = framePacket(asciiBytes(text));
      if (cut) client.send(frame.subarray(0, at % frame.length));
      else {
        const noisy = frame.slice();
        noisy[at % frame.length] = byte;
        client.send(joinBytes(noisy, asciiBytes('+-+')));
      }
      survives();
    }),
    RUNS,
  );
});

test.run();
