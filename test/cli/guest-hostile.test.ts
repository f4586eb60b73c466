// Programs that mean harm, through `procmem run`: its limits hold, the process stays small and ends by itself, and
// nothing of this computer is seen but what was mounted.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { compileGuest, missingCross } from '../guest/programs.js';
import { missingRoot, root } from '../guest/sysroot.js';

const test = suite('cli/guest-hostile');
const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** Has a process say at its end how much memory it had at most, in KiB. */
const TELL_RSS =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("RSS "+process.resourceUsage().maxRSS+"\\n"))';
const MIB = 1024;
const SIGKILL = 128 + 9;

const dir = mkdtempSync(join(tmpdir(), 'procmem-hostile-'));
const cross = missingCross();
const noRoot = missingRoot();

interface End {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** KiB. */
  readonly rss: number;
}

function procmem(...args: readonly string[]): End {
  const line = ['--import', TELL_RSS, MAIN, 'run', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, line, {
    encoding: 'utf8',
    timeout: 120_000,
  });
  const rss = Number(/^RSS (\d+)$/m.exec(stderr)?.[1] ?? NaN);
  return { status, stdout, stderr: stderr.replace(/^RSS \d+\n/m, ''), rss };
}

function define(title: string, why: string | null, body: () => void): void {
  if (why === null) return void test(title, body);
  console.log(`SKIPPED cli/guest-hostile, ${title}: ${why}`);
  test.skip(title);
}

/** Mode of hostile.c, limits, and how it ends. */
const ROWS: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ['loop', ['--time', '1'], SIGKILL, /ended after 1 seconds \(--time\)\n$/],
  ['loop', ['--instructions', '5000000'], SIGKILL, /ended after 5000000 instructions/],
  [
    'fork-bomb',
    ['--memory', '64M'],
    SIGKILL,
    /Out of memory: Killed process .*\n.*ended by SIGKILL\n$/,
  ],
  ['fork-bomb', ['--instructions', '20M'], SIGKILL, /ended after 20000000 instructions/],
  ['fork-bomb', ['--time', '1'], SIGKILL, /ended after 1 seconds/],
  ['touch-all', ['--memory', '64M'], SIGKILL, /ended by SIGKILL\n$/],
  ['map-all', ['--memory', '64M'], 0, /^$/],
  ['fds', ['--memory', '64M'], 0, /^$/],
  ['jump', [], 128 + 11, /ended by SIGSEGV\n$/],
];

for (const [mode, limits, status, message] of ROWS) {
  define(`${mode} with ${limits.join(' ') || 'no limit'} ends, in bounded memory`, cross, () => {
    const end = procmem(...limits, compileGuest('hostile', dir), mode);
    assert.is(end.status, status, end.stderr);
    assert.match(end.stderr, message);
    // In a second a fast computer makes some thousands of processes.
    assert.ok(end.rss < 1024 * MIB, `${end.rss} KiB`);
  });
}

define('what is beside a mounted directory is not reached, by any name', noRoot, () => {
  const inside = join(dir, 'beside', 'inside');
  mkdirSync(inside, { recursive: true });
  writeFileSync(join(dir, 'beside', 'secret'), 'of the host');
  writeFileSync(join(inside, 'open'), 'for the guest\n');
  symlinkSync('..', join(inside, 'up'));
  symlinkSync(join(dir, 'beside', 'secret'), join(inside, 'absolute'));
  const script = `cd /mnt; cat open; cat ../secret up/secret absolute ..//./secret /mnt/../secret
    ln -s ../secret mine; cat mine; ln -s ${dir}/beside there; cat there/secret; cd up && cat secret
    cat /proc/self/root/mnt/../secret /proc/1/root/secret ${dir}/beside/secret
    echo x > /mnt/up/written; echo x > /mnt/there/written; mv /mnt/open /mnt/../moved; find / -name secret; ls /mnt`;
  const end = procmem('--root', root(), '--mount', `${inside}:/mnt`, '--', 'dash', '-c', script);
  assert.match(end.stdout, /^for the guest\n/);
  assert.not.match(end.stdout, /of the host|secret/);
  assert.equal(readdirSync(join(dir, 'beside')).sort(), ['inside', 'secret']);
});

define('what a program writes to its root stays in the machine', noRoot, () => {
  const name = `procmem-hostile-${process.pid}`;
  const script = `echo x > /${name}; echo x > /usr/bin/${name}; rm /usr/bin/sqlite3 /etc/passwd; cat /${name}; ls /usr/bin/sqlite3`;
  const end = procmem('--root', root(), '--', 'dash', '-c', script);
  assert.is(end.stdout, 'x\n');
  assert.not(existsSync(join(root(), name)));
  assert.not(existsSync(join(root(), 'usr/bin', name)));
  assert.ok(existsSync(join(root(), 'usr/bin/sqlite3')) && existsSync(join(root(), 'etc/passwd')));
});

test.after(() => rmSync(dir, { recursive: true }));

test.run();
