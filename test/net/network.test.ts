// The loopback network from outside: that it is the machine's own, outlives snapshots and ends with its processes.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Task } from '../../src/api/task.js';
import { errnoName } from '../../src/errno.js';
import { Machine } from '../../src/machine.js';

const [AF_INET, AF_INET6, AF_NETLINK] = [2, 10, 16];
const [STREAM, DGRAM, RAW] = [1, 2, 3];
const NONBLOCK = 0o4000;
const LOOPBACK = [127, 0, 0, 1];
const MEMORY = 0x200000000000n;
const WINDOW = 65536;

const test = suite('net/network');

/** Calls of a task on sockets; addresses and buffers are in its memory. */
class Sockets {
  readonly task: Task;

  constructor(task: Task) {
    this.task = task;
    task.mmap({ addr: MEMORY, length: 2 ** 20, flags: 0x32 });
  }

  call(name: string, ...args: (number | bigint)[]): number | string {
    const result = Number(this.task.syscall(name, ...args));
    return result < 0 ? errnoName(-result) : result;
  }

  socket(type: number, family = AF_INET): number {
    return Number(this.call('socket', family, type, 0));
  }

  /** A struct sockaddr_in in memory. */
  #address(port: number, address: readonly number[] = LOOPBACK): [bigint, number] {
    const bytes = new Uint8Array(16);
    bytes.set([AF_INET, 0, port >> 8, port & 0xff, ...address]);
    this.task.store(MEMORY, bytes);
    return [MEMORY, 16];
  }

  bind(fd: number, port: number): number | string {
    return this.call('bind', fd, ...this.#address(port));
  }

  connect(fd: number, port: number, address?: readonly number[]): number | string {
    return this.call('connect', fd, ...this.#address(port, address));
  }

  /** Sets SO_REUSEADDR. */
  reuse(fd: number): void {
    this.task.store32(MEMORY + 64n, 1);
    assert.is(this.call('setsockopt', fd, 1, 2, MEMORY + 64n, 4), 0);
  }

  listener(port: number, backlog = 5): number {
    const fd = this.socket(STREAM);
    this.reuse(fd);
    assert.is(this.bind(fd, port), 0);
    assert.is(this.call('listen', fd, backlog), 0);
    return fd;
  }

  /** Port of a socket, of its own or the other end's address. */
  port(fd: number, name = 'getsockname'): number | string {
    this.task.store32(MEMORY + 64n, 28);
    const result = this.call(name, fd, MEMORY, MEMORY + 64n);
    if (result !== 0) return result;
    return (this.task.load8(MEMORY + 2n) << 8) | this.task.load8(MEMORY + 3n);
  }

  send(fd: number, text: string): number | string {
    this.task.store(MEMORY + 4096n, new TextEncoder().encode(text));
    return this.call('write', fd, MEMORY + 4096n, text.length);
  }

  read(fd: number, most = 100): string {
    const got = this.call('read', fd, MEMORY + 4096n, most);
    if (typeof got === 'string') return got;
    return new TextDecoder().decode(this.task.load(MEMORY + 4096n, got));
  }
}

/** A machine of its own whose clock stands, and a check that nothing is left of what was done with it. */
async function setup(): Promise<{ machine: Machine; spawn: () => Sockets; end: () => void }> {
  const machine = await Machine.create({ now: () => 0 });
  const atRest = machine.stats().framesInUse;
  const all: Task[] = [];
  return {
    machine,
    spawn() {
      const task = machine.spawn({ comm: 'peer' });
      all.push(task);
      return new Sockets(task);
    },
    end() {
      for (const task of all) if (!task.exited) task.exit(0);
      assert.is(machine.stats().framesInUse, atRest);
      assert.equal(machine.check(), []);
    },
  };
}

/** Rows of a file of /proc/net, without its head. */
const rows = (task: Task, name: string): string[] =>
  task.readText(`/proc/net/${name}`).trimEnd().split('\n').slice(1);

test('two processes of a machine talk, and those of another machine are not there', async () => {
  const { spawn, end } = await setup();
  const [server, client] = [spawn(), spawn()];
  const l = server.listener(8080);
  const c = client.socket(STREAM);
  assert.is(client.connect(c, 8080), 0);
  const s = Number(server.call('accept', l, 0, 0));
  assert.is(server.port(s, 'getpeername'), client.port(c));
  assert.is(client.send(c, 'hello'), 5);
  assert.is(server.read(s), 'hello');
  assert.is(server.read(s), 'ERESTARTSYS');
  const other = await Machine.create();
  const stranger = new Sockets(other.spawn());
  assert.is(stranger.connect(stranger.socket(STREAM), 8080), 'ECONNREFUSED');
  for (const [address, errno] of [
    [[10, 0, 0, 1], 'ENETUNREACH'],
    [[192, 0, 2, 1], 'ENETUNREACH'],
    [[255, 255, 255, 255], 'ENETUNREACH'],
  ] as const) {
    assert.is(client.connect(client.socket(STREAM), 80, address), errno, String(address));
  }
  end();
});

test('what a process that is killed had open is closed: its port is free, the other end is told', async () => {
  const { spawn, end } = await setup();
  const [server, client] = [spawn(), spawn()];
  const l = server.listener(8081);
  const [c, waiting] = [client.socket(STREAM), client.socket(STREAM)];
  client.connect(c, 8081);
  server.call('accept', l, 0, 0);
  client.connect(waiting, 8081);
  assert.is(rows(client.task, 'tcp').length, 5);
  server.task.exit(0);
  assert.is(client.read(c), '');
  assert.is(client.read(waiting), 'ECONNRESET');
  assert.is(client.connect(client.socket(STREAM), 8081), 'ECONNREFUSED');
  client.call('close', c);
  // The server closed first: its address lingers, and SO_REUSEADDR of both passes over that.
  const again = client.socket(STREAM);
  assert.is(client.bind(again, 8081), 'EADDRINUSE');
  client.reuse(again);
  assert.is(client.bind(again, 8081), 0);
  end();
});

test('a write that waits for room goes on where it was', async () => {
  const { spawn, end } = await setup();
  const [server, client] = [spawn(), spawn()];
  const l = server.listener(8082);
  const c = client.socket(STREAM);
  client.connect(c, 8082);
  const s = Number(server.call('accept', l, 0, 0));
  const size = 900_000;
  client.task.store(MEMORY + 8192n, new Uint8Array(size).fill(7));
  let sent = 0;
  let read = 0;
  // 3 MiB and more are on their way before one has to wait.
  while (client.call('write', c, MEMORY + 8192n, size) === size) sent += size;
  assert.ok(sent >= 2 * size, String(sent));
  const drain = (): void => {
    for (let got = 1; got > 0; read += got) {
      got = Number(server.call('recvfrom', s, MEMORY + 8192n, size, 0x40, 0, 0)) || 0;
    }
  };
  drain();
  assert.is(client.call('write', c, MEMORY + 8192n, size), size, 'the same call, made again');
  drain();
  assert.is(read, sent + size);
  end();
});

test('connections, what is on its way and what lingers outlive a snapshot and a checkpoint', async () => {
  const { machine, spawn, end } = await setup();
  const [server, client] = [spawn(), spawn()];
  const l = server.listener(8083);
  const [c, late, gone] = [client.socket(STREAM), client.socket(STREAM), client.socket(STREAM)];
  client.connect(c, 8083);
  const s = Number(server.call('accept', l, 0, 0));
  client.connect(gone, 8083);
  client.call('close', gone);
  server.call('close', Number(server.call('accept', l, 0, 0)));
  client.connect(late, 8083);
  // More than the window: the rest waits at the sender.
  client.send(c, 'x'.repeat(WINDOW));
  client.send(c, 'behind');
  client.send(late, 'early');
  const d = server.socket(DGRAM | NONBLOCK);
  server.bind(d, 8084);
  client.connect(client.socket(DGRAM), 8084);
  client.send(late + 1, 'datagram');
  const before = server.task.readText('/proc/net/tcp');
  const checkpoint = machine.checkpoint();
  const restored = await Machine.restore(machine.snapshot(), { now: () => 0 });
  const copies = [server, client].map(({ task }) => restored.task(task.pid) as Task);
  for (const round of ['in place', 'a copy'] as const) {
    const [a, b] = (round === 'a copy' ? copies : [server.task, client.task]) as [Task, Task];
    const [one, two] = [Object.create(server) as Sockets, Object.create(client) as Sockets];
    Object.assign(one, { task: a });
    Object.assign(two, { task: b });
    assert.is(a.readText('/proc/net/tcp'), before, round);
    assert.match(before, / 06 00000000:00000000 03:0000/);
    let text = '';
    while (text.length < WINDOW + 6) text += one.read(s, 50_000);
    assert.is(text.slice(-8), 'xxbehind');
    const accepted = Number(one.call('accept', l, 0, 0));
    assert.is(one.read(accepted), 'early');
    assert.is(one.read(d), 'datagram');
    assert.is(one.read(d), 'EAGAIN');
    one.send(s, 'back');
    assert.is(two.read(c), 'back');
    one.call('close', s);
    assert.is(two.read(c), '');
    if (round === 'in place') checkpoint.restore();
  }
  assert.is(server.task.readText('/proc/net/tcp'), before);
  checkpoint.dispose();
  end();
});

test('only who may binds a port below 1024, and opens a raw socket', async () => {
  const { machine, end } = await setup();
  const user = new Sockets(machine.spawn({ uid: 1000 }));
  const fd = user.socket(STREAM);
  assert.is(user.bind(fd, 80), 'EACCES');
  machine.sysctl('net.ipv4.ip_unprivileged_port_start', 80);
  assert.is(user.bind(fd, 80), 0);
  machine.sysctl('net.ipv4.ip_unprivileged_port_start', 1024);
  assert.is(user.call('socket', AF_INET, RAW, 1), 'EPERM');
  user.task.exit(0);
  end();
});

test('what netlink and sock_diag tell are whole messages, however they ask', async () => {
  const { spawn, end } = await setup();
  const asker = spawn();
  const l = asker.listener(8085);
  const route = Number(asker.call('socket', AF_NETLINK, RAW, 0));
  const diag = Number(asker.call('socket', AF_NETLINK, RAW, 4));
  /** Sends a request of `size` bytes and gives the types of the answers. */
  const ask = (fd: number, type: number, body: readonly number[], size = 72): number[] => {
    const request = new DataView(new ArrayBuffer(size));
    request.setUint32(0, size, true);
    request.setUint16(4, type, true);
    request.setUint16(6, 0x301, true);
    new Uint8Array(request.buffer).set(body, 16);
    asker.task.store(MEMORY + 4096n, new Uint8Array(request.buffer));
    assert.is(asker.call('sendto', fd, MEMORY + 4096n, size, 0, 0, 0), size);
    const types: number[] = [];
    for (;;) {
      const got = asker.call('recvfrom', fd, MEMORY + 4096n, 32768, 0x40, 0, 0);
      if (typeof got === 'string') return types;
      const bytes = asker.task.load(MEMORY + 4096n, got);
      const view = new DataView(bytes.buffer, bytes.byteOffset, got);
      let at = 0;
      for (; at < got; at += (view.getUint32(at, true) + 3) & ~3)
        types.push(view.getUint16(at + 4, true));
      assert.is(at, got, 'lengths add up');
    }
  };
  assert.equal(ask(route, 18, []), [16, 3]);
  assert.equal(ask(route, 22, []), [20, 20, 3]);
  assert.equal(ask(route, 26, [AF_INET6]), [24, 3]);
  assert.equal(ask(route, 18, [], 17), [16, 3], 'a short request');
  assert.equal(ask(diag, 20, [AF_INET, 6, 0, 0, 0xff, 0xff, 0xff, 0xff]), [20, 3]);
  assert.equal(ask(diag, 20, [AF_INET, 6, 0, 0, 2, 0, 0, 0]), [3], 'none that is established');
  assert.equal(ask(diag, 20, [AF_INET, 6], 20), [2], 'a request cut short');
  assert.is(
    rows(asker.task, 'tcp').some((row) => row.includes(':1F95')),
    true,
  );
  asker.call('close', l);
  end();
});

test('every file of /proc/net can be read, by pid and by thread', async () => {
  const { spawn, end } = await setup();
  const { task } = spawn();
  const names = task.readdir('/proc/net');
  for (const name of names) assert.type(task.readText(`/proc/thread-self/net/${name}`), 'string');
  assert.equal(
    names,
    [...names].sort((a, b) => (a < b ? -1 : 1)),
  );
  assert.is(task.readlink('/proc/net'), 'self/net');
  end();
});

test.run();
