// The command, as a process of its own: where it listens, and what clients can do to it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { runCommand } from '../../src/cli/run.js';
import { Machine } from '../../src/index.js';
import { asciiBytes, asciiText, framePacket, PacketReader } from '../../src/gdb/packet.js';

const test = suite('cli/gdb');
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** A command that runs. */
class Running {
  readonly child: ChildProcess;
  out = '';
  err = '';
  readonly exit: Promise<number | null>;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, 'gdb', ...args], { stdio: 'pipe' });
    this.child.stdout?.setEncoding('latin1').on('data', (text: string) => (this.out += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    const alarm = setTimeout(() => this.child.kill('SIGKILL'), 60_000);
    this.exit = new Promise((resolve) => {
      this.child.on('close', (code) => {
        clearTimeout(alarm);
        resolve(code);
      });
    });
  }

  /** Waits until its output matches. */
  async until(pattern: RegExp, stream: 'out' | 'err' = 'out'): Promise<RegExpExecArray> {
    for (let i = 0; i < 3000; i++) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      await pause();
    }
    throw new Error(`no ${pattern} in ${JSON.stringify(this[stream])}`);
  }

  /** The example's server on a free port. */
  static async serve(): Promise<{ server: Running; port: number }> {
    const server = new Running(['--listen', '127.0.0.1:0']);
    const [, port] = await server.until(/target remote 127\.0\.0\.1:(\d+)\n/);
    return { server, port: Number(port) };
  }

  stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.exit;
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

/** A client over TCP. */
class Client {
  readonly socket: Socket;
  closed = false;
  readonly #reader = new PacketReader();
  readonly #replies: string[] = [];

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('data', (bytes) => {
      for (const item of this.#reader.push(bytes)) {
        if (item.kind === 'packet') this.#replies.push(asciiText(item.body));
      }
    });
  }

  async ask(body: string): Promise<string> {
    this.socket.write(framePacket(asciiBytes(body)));
    return this.reply();
  }

  async reply(): Promise<string> {
    for (let i = 0; i < 3000 && this.#replies.length === 0 && !this.closed; i++) await pause();
    return this.#replies.shift() ?? 'no reply';
  }
}

test('it listens on loopback, says so and how to reach it, and ends when it is told to', async () => {
  const { server, port } = await Running.serve();
  assert.match(server.out, /^thumbnail, process \d+, on 127\.0\.0\.1:\d+ for this host alone\n/);
  assert.match(server.out, `lldb: gdb-remote 127.0.0.1:${port}\n`);
  const client = new Client(port);
  assert.match(await client.ask('?'), /^T0bthread:/);
  assert.is(await server.stop(), 0);
  assert.match(server.err, /^procmem: 127\.0\.0\.1:\d+ connected\n/);
});

test('an address that others reach is said to be one', async () => {
  const server = new Running(['--listen', '0.0.0.0:0']);
  await server.until(/for everyone who reaches this port: they may read and change/);
  await server.stop();
});

test('garbage and vanishing clients leave the server to the others', async () => {
  const { server, port } = await Running.serve();
  const good = new Client(port);
  assert.match(await good.ask('?'), /^T0b/);
  for (const garbage of [
    'GET / HTTP/1.1\r\n\r\n',
    '\0'.repeat(100_000),
    '$m0,ffffffff',
    '$#zz$$$',
  ]) {
    const bad = new Client(port);
    bad.socket.write(garbage);
    await pause();
    bad.socket.resetAndDestroy();
  }
  // One that leaves while its process goes on, and with a request that was not over.
  const waiting = new Client(port);
  assert.match(await waiting.ask('c'), /^O/);
  waiting.socket.write('$m0');
  waiting.socket.destroy();
  assert.match(await good.ask('?'), /^T0b/);
  await server.until(/left\n(.*\n)*.*left\n(.*\n)*.*left\n(.*\n)*.*left\n(.*\n)*.*left\n/, 'err');
  assert.not.match(server.err, 'dropped');
  assert.is(await server.stop(), 0);
});

test('clients are served at once: each sees what the others write, and learns of an end', async () => {
  const { server, port } = await Running.serve();
  const [one, two] = [new Client(port), new Client(port)];
  const regs = await one.ask('g');
  const stack = regs
    .slice(7 * 16, 8 * 16)
    .match(/../g)
    ?.reverse()
    .join('');
  assert.is(await one.ask(`M${stack},4:c0ffee00`), 'OK');
  assert.is(await two.ask(`m${stack},4`), 'c0ffee00');
  await one.ask('c');
  const thread = /QC(\w+)/.exec(await two.ask('qC'))?.[1] ?? '';
  assert.is(await two.ask(`vKill;${thread}`), 'OK');
  assert.is(await one.reply(), 'X09');
  const late = new Client(port);
  assert.is(await late.ask('?'), 'W00');
  await server.stop();
});

test('a client that asks and never reads is dropped, and the others are served', async () => {
  const { server, port } = await Running.serve();
  const [greedy, good] = [new Client(port), new Client(port)];
  greedy.socket.pause();
  const request = framePacket(asciiBytes('qXfer:features:read:target.xml:0,10000'));
  for (let i = 0; i < 8000; i++) greedy.socket.write(request);
  await server.until(/dropped: reads too slowly\n/, 'err');
  assert.match(await good.ask('?'), /^T0b/);
  assert.is(server.err.match(/dropped/g)?.length, 1);
  greedy.socket.destroy();
  assert.is(await server.stop(), 0);
});

test('a port that is taken is an error of one line', async () => {
  const { server, port } = await Running.serve();
  const second = new Running(['--listen', `127.0.0.1:${port}`]);
  assert.is(await second.exit, 2);
  assert.is(second.err, `procmem: cannot listen on 127.0.0.1:${port}: EADDRINUSE\n`);
  await server.stop();
});

test('with --stdio it speaks on its standard streams until they end', async () => {
  const running = new Running(['--stdio']);
  running.child.stdin?.write('$?#3f');
  await running.until(/\+\$T0bthread:\w+;#[0-9a-f]{2}/);
  running.child.stdin?.end();
  assert.is(await running.exit, 0);
  assert.is(running.err, '');
});

test('with --json it says where it listens, in one line', async () => {
  const server = new Running(['--listen', '127.0.0.1:0', '--json']);
  const [line] = await server.until(/^.*\n/);
  const said = JSON.parse(line);
  assert.is(said.comm, 'thumbnail');
  assert.is(said.loopbackOnly, true);
  const client = new Client(Number(said.address.split(':')[1]));
  assert.match(await client.ask('?'), /^T0bthread:/);
  assert.is(await server.stop(), 0);
});

test('it serves a process of a snapshot, stopped by no signal', async () => {
  const machine = await Machine.create();
  const task = machine.spawn({ comm: 'kept' });
  task.mmap({ addr: 0x10000, length: 4096, prot: 3 });
  task.store(0x10000, new Uint8Array([1, 2, 3, 4]));
  const directory = mkdtempSync(join(tmpdir(), 'procmem-cli-gdb-'));
  const file = join(directory, 'snap');
  writeFileSync(file, machine.snapshot());
  const running = new Running(['--stdio', '--snapshot', file]);
  for (const request of ['?', 'm10000,4']) {
    running.child.stdin?.write(framePacket(asciiBytes(request)));
  }
  await running.until(new RegExp(`\\$T05thread:${task.pid.toString(16)};#.*\\$01020304#`, 's'));
  running.child.stdin?.end();
  assert.is(await running.exit, 0);
  rmSync(directory, { recursive: true });
});

const mistakes: [string[], RegExp][] = [
  [['--listen', 'nowhere'], /^procmem: --listen "nowhere" is not HOST:PORT\n$/],
  [['--listen', '127.0.0.1:99999'], /is not HOST:PORT\n$/],
  [['--listen', '[::1'], /is not HOST:PORT\n$/],
  [['--listen'], /^procmem: .*--listen.*\n$/],
  [['--listen', ':0', '--stdio'], /^procmem: --listen and --stdio exclude each other\n$/],
  [['--nothing'], /^procmem: .*--nothing.*\n$/],
  [['a', 'b'], /^procmem: gdb takes at most one core or snapshot\n$/],
  [['--stdio', '--json'], /^procmem: --json and --stdio exclude each other\n$/],
  [['--snapshot', MAIN], /^procmem: \S+main\.js: this is no snapshot\n$/],
  [['/nowhere/core'], /^procmem: \/nowhere\/core: no such file\n$/],
  [[MAIN], /^procmem: .*main\.js.*\n$/],
];

for (const [args, complaint] of mistakes) {
  test(`procmem gdb ${args.map((arg) => arg.split('/').pop()).join(' ')} is refused`, async () => {
    let err = '';
    const io = {
      out: () => {},
      err: (text: string) => void (err += text),
      color: false,
      columns: 80,
    };
    assert.is(await runCommand(['gdb', ...args], io), 2);
    assert.match(err, complaint);
  });
}

test.run();
