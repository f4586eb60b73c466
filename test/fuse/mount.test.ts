// How a mount begins and ends: signals, umount, users that hold it, a server that dies.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { runCommand } from '../../src/cli/run.js';
import { installed, Mounted, obstacle, run, Workshop } from './mounted.js';

const test = suite('fuse/mount');
const workshop = new Workshop();
// Other users are to come through it.
chmodSync(workshop.directory, 0o755);
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const live: Mounted[] = [];
let count = 0;

async function mountDemo(...args: string[]): Promise<Mounted> {
  const mounted = new Mounted(workshop.path(`m${(count += 1)}`), ['--demo', ...args]);
  live.push(mounted);
  return mounted.ready();
}

test.after(async () => {
  for (const mounted of live) await mounted.remove();
  workshop.remove();
});

const why =
  obstacle() ?? (installed('python3') ? null : 'no python3 (Debian: apt-get install python3)');
if (why !== null) console.log(`SKIPPED fuse/mount: ${why}`);
else {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} unmounts, and the command succeeds`, async () => {
      const mounted = await mountDemo();
      assert.ok(mounted.mounted);
      assert.is(run('cat', [mounted.path(`${mounted.pid}/comm`)]).stdout, 'thumbnail\n');
      assert.is(await mounted.end(signal), 0);
      assert.not.ok(mounted.mounted);
      assert.match(mounted.output, 'is unmounted');
      assert.is(mounted.errors, '');
      assert.is(run('ls', ['-A', mounted.directory]).stdout, '');
    });
  }

  test('umount by somebody else ends it as well', async () => {
    const mounted = await mountDemo();
    assert.is(run('umount', [mounted.directory]).status, 0);
    assert.is(await mounted.end(), 0);
    assert.match(mounted.output, 'is unmounted');
  });

  test('a mount in use goes at once; who holds a file is told, and does not wait', async () => {
    const mounted = await mountDemo();
    const holder = hold(mounted.path(`${mounted.pid}/maps`));
    assert.match(await lineOf(holder), /^[0-9a-f]+-/);
    assert.is(await mounted.end('SIGTERM'), 0);
    assert.match(mounted.errors, 'was in use');
    assert.not.ok(mounted.mounted);
    holder.stdin?.end('again\n');
    assert.match(await lineOf(holder), /not connected|aborted/i);
  });

  test('when the server is killed nobody hangs, and the mount can be taken away', async () => {
    const mounted = await mountDemo();
    const holder = hold(mounted.path(`${mounted.pid}/maps`));
    await lineOf(holder);
    await mounted.end('SIGKILL');
    holder.stdin?.end('again\n');
    assert.match(await lineOf(holder), /not connected|aborted/i);
    const { status, stderr } = run('cat', [mounted.path('uptime')]);
    assert.is(status, 1);
    assert.match(stderr, 'not connected');
    assert.is(run('umount', ['-l', mounted.directory]).status, 0);
  });

  test('a client that is killed in the middle of its reads disturbs nobody', async () => {
    const mounted = await mountDemo();
    for (let i = 0; i < 20; i++) {
      const loop = `while cat ${mounted.path(`${mounted.pid}/smaps`)}; do :; done`;
      const child = spawn('sh', ['-c', loop], { stdio: 'ignore', detached: true });
      await new Promise((resolve) => setTimeout(resolve, 10));
      process.kill(-Number(child.pid), 'SIGKILL');
      await once(child, 'close');
    }
    assert.is(run('cat', [mounted.path(`${mounted.pid}/comm`)]).stdout, 'thumbnail\n');
    assert.is(await mounted.end('SIGINT'), 0);
  });

  test('a snapshot of a running process is mounted, and said as JSON', async () => {
    const child = spawn('sleep', ['1000']);
    await once(child, 'spawn');
    const maps = (): string => readFileSync(`/proc/${child.pid}/maps`, 'latin1');
    while (!readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes('(sleep) S')) await pause();
    const file = workshop.path('sleep.snap');
    const made = run(process.execPath, [MAIN, 'snapshot', String(child.pid), '-o', file]);
    assert.is(made.status, 0, made.stderr);
    const ranges = (text: string): string[] => text.split('\n').map((line) => line.slice(0, 31));
    const expected = ranges(maps());
    const mounted = new Mounted(workshop.path('snapshot'), ['--snapshot', file, '--json']);
    try {
      await mounted.ready();
      const { directory, pid, comm, threads } = JSON.parse(mounted.output);
      assert.equal([pid, comm, threads], [child.pid, 'sleep', 1]);
      assert.is(directory, mounted.directory);
      const ours = run('cat', [mounted.path(`${pid}/maps`)]).stdout;
      assert.equal(ranges(ours), expected);
      assert.is(run('cat', [mounted.path(`${pid}/cmdline`)]).stdout, 'sleep\x001000\x00');
      const exe = run('readlink', [mounted.path(`${pid}/exe`)]).stdout.trim();
      assert.is(exe, readlinkSync(`/proc/${child.pid}/exe`));
      assert.is(await mounted.end('SIGTERM'), 0);
    } finally {
      child.kill('SIGKILL');
      await mounted.remove();
    }
  });

  test('users of the host are judged by the machine', async () => {
    const mounted = await mountDemo('--user', '4242:1000', '--group', '4242:1000');
    const head = ['head', '-c', '4', mounted.path(`${mounted.pid}/maps`)];
    const by = (id: number) =>
      run('setpriv', [`--reuid=${id}`, `--regid=${id}`, '--clear-groups', ...head]);
    assert.is(run(head[0] ?? '', head.slice(1)).status, 0, 'root');
    assert.is(by(4242).status, 0, 'who is the owner in the machine');
    assert.is(by(4243).status, 1);
    assert.match(by(4243).stderr, 'Permission denied');
    const owner = run('stat', ['-c', '%u:%g', mounted.path(`${mounted.pid}/mem`)]).stdout;
    assert.is(owner, '4242:4242\n');
  });

  test('Yama of the machine is asked', async () => {
    const mounted = await mountDemo('--yama', '3');
    const { status, stderr } = run('head', ['-c', '1', mounted.path(`${mounted.pid}/mem`)]);
    assert.is(status, 1);
    assert.match(stderr, 'Permission denied');
  });

  test('procfs and the kernel give what is not there the same errors', async () => {
    const mounted = await mountDemo();
    const script = [
      'exec 2>&1',
      'touch "$1/nothing"; mkdir "$1/nothing"; ln -s a "$1/nothing"; ln "$1/uptime" "$1/nothing"',
      'rm -f "$1/uptime"; mv "$1/uptime" "$1/nothing"; rmdir "$1/$2"; cat "$1/nothing"; cat "$1/$2"',
      'chmod 777 "$1/$2/maps"; echo 1 > "$1/$2/maps"; cat "$1/uptime/x"; cat "$1/$2/clear_refs"',
      'test -x "$1/$2/maps"; echo $?; sync "$1/$2/maps"; head -c 1 "$1/$2/mem"',
    ].join('\n');
    const said = (proc: string, pid: number): string =>
      run('sh', ['-c', script, 'sh', proc, String(pid)])
        .stdout.replaceAll(proc, 'PROC')
        .replaceAll(String(pid), 'PID');
    assert.is(said(mounted.directory, mounted.pid), said('/proc', process.pid));
  });

  test('calls that a file of /proc does not take are refused as by the kernel', async () => {
    const mounted = await mountDemo();
    const script = [
      'import fcntl, os, sys',
      'base = sys.argv[1]',
      'mem, filt = base + "/mem", base + "/coredump_filter"',
      'fd = os.open(mem, os.O_RDONLY)',
      'calls = dict(',
      '  ioctl=lambda: fcntl.ioctl(fd, 0x5401, bytes(64)),',
      '  seek=lambda: os.lseek(fd, (1 << 63) - 4096, 0),',
      '  far=lambda: os.pread(fd, 1, (1 << 63) - 4096),',
      '  none=lambda: os.pread(fd, 0, 0),',
      '  write=lambda: os.pwrite(fd, b"x", 0),',
      '  xattr=lambda: os.getxattr(mem, "user.x"),',
      '  fsync=lambda: os.fsync(fd),',
      '  direct=lambda: os.open(mem, os.O_DIRECT),',
      '  directory=lambda: os.open(mem, os.O_DIRECTORY),',
      '  fallocate=lambda: os.posix_fallocate(os.open(filt, os.O_RDWR), 0, 10),',
      '  truncate=lambda: os.truncate(filt, 0),',
      '  ftruncate=lambda: os.ftruncate(os.open(filt, os.O_RDWR), 0),',
      '  chown=lambda: os.chown(filt, 0, 0),',
      '  utime=lambda: os.utime(filt),',
      '  readlink=lambda: os.readlink(mem),',
      '  listdir=lambda: os.listdir(mem),',
      '  x_ok=lambda: os.access(mem, os.X_OK),',
      '  rw_ok=lambda: os.access(mem, os.R_OK | os.W_OK),',
      ')',
      'for name, call in calls.items():',
      '  try: print(name, call())',
      '  except OSError as error: print(name, os.strerror(error.errno))',
    ].join('\n');
    const said = (base: string): string => {
      const { status, stdout, stderr } = run('python3', ['-c', script, base]);
      assert.is(status, 0, stderr);
      return stdout;
    };
    assert.is(said(mounted.path(String(mounted.pid))), said(`/proc/${process.pid}`));
  });
}

/** Opens a file and reads its first line; with each line of input it reads again. */
function hold(path: string): ChildProcess {
  const script = [
    'import os, sys',
    'fd = os.open(sys.argv[1], os.O_RDONLY)',
    'while True:',
    '  try: print(os.pread(fd, 64, 0).split(b"\\n")[0].decode(), flush=True)',
    '  except OSError as error: print(error.strerror, flush=True)',
    '  if not sys.stdin.readline(): break',
  ].join('\n');
  return spawn('python3', ['-c', script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function lineOf({ stdout }: ChildProcess): Promise<string> {
  const signal = AbortSignal.timeout(10_000);
  const [data] = (await once(stdout!, 'data', { signal })) as [Buffer];
  return String(data).trim();
}

const dir = workshop.path('dir');
mkdirSync(dir);
const noCore = workshop.path('nocore');
writeFileSync(noCore, 'this is no core');

const COMPLAINTS: readonly [args: string[], complaint: string][] = [
  [[], 'one directory is needed'],
  [['a', 'b', '--demo'], 'one directory is needed'],
  [[dir], 'one of --core FILE, --snapshot FILE and --demo'],
  [[dir, '--demo', '--core', noCore], 'one of --core FILE, --snapshot FILE and --demo'],
  [[dir, '--snapshot', noCore, '--core', noCore], 'one of --core FILE, --snapshot FILE'],
  [[dir, '--snapshot', noCore], 'this is no snapshot'],
  [[dir, '--demo', '--nothing'], 'unknown option --nothing'],
  [[dir, '--demo', '--yama', '4'], '--yama 4: not a number from 0 to 3'],
  [[dir, '--demo', '--self', 'me'], '--self me: not a number'],
  [[dir, '--demo', '--user', '1000'], '--user : not a number'],
  [[dir, '--demo', '--user', '1:2:3'], '--user 1:2:3: not HOST:MACHINE'],
  [[dir, '--demo', '--group', '1:-1'], '--group -1: not a number'],
  [[dir, '--core', noCore], `${noCore}: `],
  [[dir, '--core', workshop.path('nothing')], 'no such file'],
];
/** The directory is looked at once the core is loaded. */
const UNMOUNTABLE: readonly (readonly [args: readonly string[], complaint: string])[] = [
  [[workshop.path('nothing'), '--demo'], 'ENOENT'],
  [[noCore, '--demo'], 'not a directory'],
  ...(process.platform === 'linux' ? [[['/proc', '--demo'], 'mount elsewhere'] as const] : []),
];

for (const [args, complaint] of [...COMPLAINTS, ...UNMOUNTABLE]) {
  test(`mount ${args.join(' ').replaceAll(workshop.directory, '')} is refused in a line`, async () => {
    let err = '';
    const io = {
      out: () => {},
      err: (text: string) => void (err += text),
      color: false,
      columns: 80,
    };
    assert.is(await runCommand(['mount', ...args], io), 2);
    assert.match(err, complaint);
    assert.is(err.trimEnd().split('\n').length, 1);
  });
}

test.run();
