// The protocol without a kernel: what each request is answered, by whom it is made.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import * as abi from '../../src/fuse/abi.js';
import { FuseServer, type FuseServerOptions } from '../../src/fuse/server.js';
import { Machine } from '../../src/machine.js';
import { O_RDWR, O_TRUNC, O_WRONLY } from '../../src/vfs/flags.js';
import { isDir, isLnk } from '../../src/vfs/mode.js';
import { encode, FuseClient, INIT, pack, ROOT } from './client.js';

const test = suite('fuse/server');
const machine = await Machine.create();
const target = machine.spawn({ comm: 'target', uid: 1000, argv: ['/usr/bin/target', '-x'] });
const secret = target.mmap({ length: 3 * 4096 });
target.store(secret, new TextEncoder().encode('a secret'));
target.munmap(secret + 4096n, 4096);
machine.spawn().exit();

const problems: unknown[] = [];
function connect(options: FuseServerOptions = {}): FuseClient {
  const onError = (error: unknown): void => void problems.push(error);
  return new FuseClient(new FuseServer(machine.vfs, { onError, ...options }));
}

/** Runs something over a connection of its own; afterwards nothing of it is left. */
function row(name: string, run: (host: FuseClient) => void, options: FuseServerOptions = {}): void {
  test(name, () => {
    const before = machine.stats().framesInUse;
    const host = connect(options).init();
    try {
      run(host);
      assert.is(host.server.session.handles.size, 0, 'files left open');
    } finally {
      host.server.release();
    }
    assert.is(machine.stats().framesInUse, before);
  });
}

const as = (uid: number) => ({ uid, gid: uid, pid: 20000 + uid });
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const statOf = (host: FuseClient, path: string) =>
  abi.ATTR_OUT.decode(host.ask(abi.FUSE_GETATTR, host.node(path), new Uint8Array(16)));

test('INIT agrees on the lower version, and on nothing that was not offered', () => {
  const flags = abi.FUSE_ATOMIC_O_TRUNC | abi.FUSE_MAX_PAGES | (1 << 30);
  const body = pack(abi.INIT_IN, { major: 7, minor: 31, maxReadahead: 4096, flags });
  const answer = abi.INIT_OUT.decode(connect().ask(abi.FUSE_INIT, 0, body));
  assert.is(answer.major, 7);
  assert.is(answer.flags, abi.FUSE_ATOMIC_O_TRUNC | abi.FUSE_MAX_PAGES);
  assert.is(answer.maxReadahead, 4096);
  assert.is(answer.maxWrite, answer.maxPages * 4096);
});

test('a newer major version is asked to come down, an older one and a second INIT are refused', () => {
  const init = (major: number, minor: number): Uint8Array =>
    pack(abi.INIT_IN, { major, minor, maxReadahead: 0, flags: 0 });
  const host = connect();
  assert.is(abi.INIT_OUT.decode(host.ask(abi.FUSE_INIT, 0, init(8, 0))).major, 7);
  assert.is(host.send(abi.FUSE_INIT, 0, init(6, 40))?.error, 'EPROTO');
  assert.is(host.send(abi.FUSE_INIT, 0, init(7, 22))?.error, 'EPROTO');
  assert.is(host.send(abi.FUSE_GETATTR, 1)?.error, 'EPROTO', 'nothing before INIT');
  assert.is(host.send(abi.FUSE_INIT, 0, INIT)?.error, null);
  assert.is(host.send(abi.FUSE_INIT, 0, INIT)?.error, 'EPROTO');
});

row('a walk finds what is in /proc, and only that', (host) => {
  const tid = `${target.pid}/task/${target.tid}`;
  for (const path of [
    '',
    `${target.pid}`,
    `${target.pid}/mem`,
    `${tid}/maps`,
    'sys/kernel/osrelease',
  ]) {
    assert.type(host.walk(path), 'number', path);
  }
  for (const [path, error] of [
    ['nothing', 'ENOENT'],
    ['0', 'ENOENT'],
    ['99999', 'ENOENT'],
    [`${target.pid}/nothing`, 'ENOENT'],
    ['uptime/x', 'ENOTDIR'],
    ['..', 'EINVAL'],
  ] as const) {
    assert.is(host.walk(path), error, path);
  }
});

row('attributes are those of the machine', (host) => {
  assert.ok(isDir(statOf(host, '').mode));
  assert.ok(isLnk(statOf(host, 'self').mode));
  const mem = statOf(host, `${target.pid}/mem`);
  const wanted = target.stat(`/proc/${target.pid}/mem`);
  assert.equal([mem.mode, mem.uid, mem.size, mem.ino], [wanted.mode, 1000, 0, wanted.ino]);
});

row('a listing is the same whatever room it has, and names what a walk finds', (host) => {
  const all = host.list('');
  assert.equal(host.list('', 64), all);
  assert.equal(all.slice(0, 2), ['.', '..']);
  assert.ok(all.includes(String(target.pid)));
  const entries = host.list(`${target.pid}`).slice(2);
  assert.ok(entries.length > 40);
  for (const name of entries) assert.type(host.walk(`${target.pid}/${name}`), 'number', name);
});

row('mem is read and written at its addresses, up to a hole', (host) => {
  const fh = host.open(`${target.pid}/mem`, O_RDWR) as number;
  assert.is(text(host.read(fh, secret, 8).body), 'a secret');
  assert.is(host.read(fh, secret, 8192).body.length, 4096);
  assert.is(host.read(fh, secret + 4096n, 1).error, 'EIO');
  assert.is(host.read(fh, 0, 1).error, 'EIO');
  assert.is(host.read(fh, secret + 4096n, 0).error, null);
  assert.is(
    abi.WRITE_OUT.decode(host.write(fh, secret + 2n, new TextEncoder().encode('SECRET')).body).size,
    6,
  );
  assert.is(text(target.load(secret, 8)), 'a SECRET');
  assert.is(
    abi.WRITE_OUT.decode(host.write(fh, secret + 4000n, new Uint8Array(200)).body).size,
    96,
  );
  assert.is(host.write(fh, secret + 4096n, new Uint8Array(1)).error, 'EIO');
  host.close(fh);
  target.store(secret, new TextEncoder().encode('a secret'));
});

row('who asks decides: the same user may, another may not, without a capability', (host) => {
  const [mem, maps] = [`${target.pid}/mem`, `${target.pid}/maps`];
  for (const [uid, opened] of [
    [0, 'number'],
    [1000, 'number'],
    [1001, 'EACCES'],
  ] as const) {
    host.caller = as(uid);
    for (const path of [mem, maps]) {
      const fh = host.open(path);
      assert.is(typeof fh === 'number' ? 'number' : fh, opened, `${uid} ${path}`);
      if (typeof fh === 'number') host.close(fh);
    }
  }
  host.caller = as(1001);
  assert.is(host.open(mem, O_WRONLY), 'EACCES');
  assert.is(host.open(`${target.pid}/status`, O_WRONLY), 'EACCES');
  assert.is(host.send(abi.FUSE_READLINK, host.node(`${target.pid}/exe`))?.error, 'EACCES');
  assert.match(host.text(`${target.pid}/status`), /^Name:\ttarget\n/);
});

row('access answers by the same checks', (host) => {
  const mem = host.node(`${target.pid}/mem`);
  const may = (mask: number) =>
    host.send(abi.FUSE_ACCESS, mem, pack(abi.ACCESS_IN, { mask }))?.error;
  host.caller = as(1000);
  assert.equal([0, 2, 4, 6, 1].map(may), [null, null, null, null, 'EACCES']);
  host.caller = as(1001);
  assert.equal([0, 2, 4].map(may), [null, 'EACCES', 'EACCES']);
});

row('an opened file keeps what its opener was allowed', (host) => {
  host.caller = as(1000);
  const fh = host.open(`${target.pid}/mem`) as number;
  host.caller = as(1001);
  assert.is(text(host.read(fh, secret, 8).body), 'a secret');
  host.close(fh);
});

row(
  'a caller is a process of the machine: itself in /proc/self, with its name and number',
  (host) => {
    assert.is(host.readlink('self'), '20001');
    assert.is(host.text(`${host.readlink('self')}/comm`), 'reader\n');
    host.caller = { ...ROOT, pid: 20002 };
    assert.is(host.readlink('thread-self'), '20001/task/20001', 'a thread of the same process');
    assert.is(host.server.session.callers.size, 1);
    host.caller = { uid: 5, gid: 6, pid: 20001 };
    const status = host.text(`${host.readlink('self')}/status`);
    assert.match(status, /\nUid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\n/);
    assert.match(status, /\nCapEff:\t0+\n/);
  },
  { describe: () => ({ tgid: 20001, comm: 'reader' }) },
);

row(
  'where everyone is one process, its number and that of the caller’s thread lead to it',
  (host) => {
    const pid = String(target.pid);
    assert.is(host.readlink('self'), pid);
    assert.is(host.readlink('thread-self'), `${pid}/task/${pid}`);
    assert.match(host.text('20001/status'), 'Name:\ttarget\n');
    assert.match(host.text(`${pid}/task/20001/status`), 'Name:\ttarget\n');
    assert.is(host.walk('1/task/20001'), 'ENOENT', 'only of the process that everyone is');
    assert.is(host.walk('20002'), 'ENOENT');
    host.caller = as(1001);
    assert.is(host.open(`${pid}/mem`), 'EACCES', 'to be called self gives no rights');
  },
  { self: target.pid },
);

row(
  'users of the host can be others in the machine',
  (host) => {
    host.caller = as(501);
    const fh = host.open(`${target.pid}/mem`) as number;
    assert.is(text(host.read(fh, secret, 8).body), 'a secret');
    host.close(fh);
    assert.is(
      statOf(host, `${target.pid}/mem`).uid,
      501,
      'and owners are shown as the host has them',
    );
    assert.is(statOf(host, `${target.pid}/mem`).gid, 501);
    assert.is(statOf(host, 'uptime').uid, 0);
  },
  { users: [[501, 1000]], groups: [[501, 1000]] },
);

row('what is opened with O_TRUNC, or truncated, has no contents to lose', (host) => {
  const path = `${target.pid}/coredump_filter`;
  const fh = host.open(path, O_WRONLY | O_TRUNC) as number;
  assert.is(host.write(fh, 0, new TextEncoder().encode('0x7f\n')).error, null);
  host.close(fh);
  assert.is(host.text(path), '0000007f\n');
  const node = host.node(path);
  const size = pack(abi.SETATTR_IN, { valid: abi.FATTR_SIZE, size: 0 });
  assert.is(host.send(abi.FUSE_SETATTR, node, size)?.error, null);
  host.caller = as(1001);
  assert.is(host.send(abi.FUSE_SETATTR, node, size)?.error, 'EACCES');
  const mode = pack(abi.SETATTR_IN, { valid: abi.FATTR_MODE, mode: 0o777 });
  host.caller = ROOT;
  assert.is(host.send(abi.FUSE_SETATTR, node, mode)?.error, 'EPERM');
});

row('nothing is made, removed or renamed', (host) => {
  const name = new TextEncoder().encode('x\0');
  const rename = (from: string, to: string): Uint8Array =>
    pack(abi.RENAME_IN, { newdir: abi.FUSE_ROOT_ID }, `${from}\0${to}\0`);
  const prefixed = (bytes: number): Uint8Array => Uint8Array.of(...new Uint8Array(bytes), ...name);
  for (const [opcode, body, error] of [
    [abi.FUSE_MKDIR, prefixed(8), 'ENOENT'],
    [abi.FUSE_MKNOD, prefixed(16), 'ENOENT'],
    [abi.FUSE_CREATE, prefixed(16), 'ENOENT'],
    [abi.FUSE_SYMLINK, name, 'ENOENT'],
    [abi.FUSE_LINK, prefixed(8), 'ENOENT'],
    [abi.FUSE_UNLINK, name, 'EPERM'],
    [abi.FUSE_RMDIR, name, 'EPERM'],
    [abi.FUSE_RENAME, rename('uptime', 'x'), 'ENOENT'],
    [abi.FUSE_RENAME, rename('uptime', 'version'), 'EPERM'],
  ] as const) {
    assert.is(host.send(opcode, abi.FUSE_ROOT_ID, body)?.error, error, `opcode ${opcode}`);
  }
});

row('a node lives until it is forgotten as often as it was found', (host) => {
  const node = host.node('uptime');
  assert.is(host.node('uptime'), node);
  const forget = (nlookup: number) =>
    host.send(abi.FUSE_FORGET, node, pack(abi.FORGET_IN, { nlookup }));
  assert.is(forget(1), null);
  assert.is(host.send(abi.FUSE_GETATTR, node)?.error, null);
  const one = pack(abi.FORGET_ONE, { nodeid: node, nlookup: 1 });
  assert.is(
    host.send(abi.FUSE_BATCH_FORGET, 0, pack(abi.BATCH_FORGET_IN, { count: 1 }, one)),
    null,
  );
  assert.is(host.send(abi.FUSE_GETATTR, node)?.error, 'ESTALE');
  assert.is(host.server.session.nodes.size, 1);
  assert.ok(host.node('uptime') > node, 'its number is not given again');
  host.send(abi.FUSE_FORGET, abi.FUSE_ROOT_ID, pack(abi.FORGET_IN, { nlookup: 9 }));
  assert.is(host.send(abi.FUSE_GETATTR, abi.FUSE_ROOT_ID)?.error, null, 'the root stays');
});

row(
  'a number given again is another node; an open file stays with the process that is gone',
  (host) => {
    const first = machine.spawn({ comm: 'first' });
    const path = `${first.pid}/comm`;
    const node = host.node(path);
    const fh = host.open(path) as number;
    first.exit();
    assert.is(host.walk(path), 'ENOENT');
    assert.is(host.read(fh, 0, 16).error, 'ESRCH');
    machine.kernel.pids.setLast(first.pid - 1);
    const second = machine.spawn({ comm: 'second' });
    assert.is(second.pid, first.pid);
    assert.is.not(host.node(path), node);
    assert.is(host.text(path), 'second\n');
    host.close(fh);
    second.exit();
  },
);

row(
  'the tasks of callers that have gone end at the next look at the root',
  (host) => {
    for (let pid = 21001; pid <= 21005; pid++) {
      host.caller = { ...ROOT, pid };
      host.node('uptime');
    }
    const before = host.list('').filter((name) => name.startsWith('2100'));
    assert.equal(before, ['21004', '21005']);
  },
  { describe: (pid) => (pid >= 21004 ? { tgid: pid, comm: 'x' } : null) },
);

const MALFORMED: readonly [what: string, bytes: Uint8Array, error: string | null][] = [
  ['nothing', new Uint8Array(0), null],
  ['too short to be answered', new Uint8Array(15), null],
  ['a header cut short', encode(abi.FUSE_GETATTR, 1).subarray(0, 39), 'EINVAL'],
  [
    'shorter than it says',
    encode(abi.FUSE_GETATTR, 1, new Uint8Array(16)).subarray(0, 50),
    'EINVAL',
  ],
  ['a name without an end', encode(abi.FUSE_LOOKUP, 1, new TextEncoder().encode('self')), 'EINVAL'],
  ['an empty name', encode(abi.FUSE_LOOKUP, 1, new Uint8Array(1)), 'EINVAL'],
  [
    'a name that is a path',
    encode(abi.FUSE_LOOKUP, 1, new TextEncoder().encode('1/mem\0')),
    'EINVAL',
  ],
  ['a body cut short', encode(abi.FUSE_READ, 0, new Uint8Array(39)), 'EINVAL'],
  ['a handle that is none', encode(abi.FUSE_READ, 0, new Uint8Array(40)), 'EBADF'],
  ['a node that is none', encode(abi.FUSE_GETATTR, 12345), 'ESTALE'],
  ['an operation there is not', encode(999, 1), 'ENOSYS'],
  ['a forget cut short', encode(abi.FUSE_FORGET, 1, new Uint8Array(3)), null],
];

for (const [what, bytes, error] of MALFORMED) {
  row(
    `a request that is ${what} gets ${error ?? 'no answer'}, and the next one its own`,
    (host) => {
      const reply = host.server.handle(bytes);
      assert.is(
        reply === null ? null : abi.OUT_HEADER.decode(reply).error,
        error === null ? null : -errno(error),
      );
      assert.is(host.send(abi.FUSE_GETATTR, 1)?.error, null);
    },
  );
}

function errno(name: string): number {
  return { EINVAL: 22, EBADF: 9, ESTALE: 116, ENOSYS: 38 }[name] ?? 0;
}

test('nothing went wrong that no request should be able to cause', () => {
  assert.equal(problems, []);
});

test.run();
