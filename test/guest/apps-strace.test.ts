// `procmem run --strace` and Debian's strace in the machine tell the same of the same program, line for line.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { byCommandLine, missingApps } from './sysroot.js';

const test = suite('guest/apps-strace');

const COMMANDS: readonly (readonly string[])[] = [
  ['cat', '/etc/hosts', '/etc/passwd'],
  ['stat', '-c', '%s %F', '/etc/hosts'],
  ['ls', '/etc/apt'],
  [
    'dash',
    '-c',
    "trap 'echo got' USR1; kill -USR1 $$; cd /proc; ulimit -n; umask 7; kill -TERM $$",
  ],
];

/** Addresses, random bytes, the program's own number; the newer strace shows what rseq's argument holds. */
function comparable(text: string): string {
  return text
    .replace(/0x[0-9a-f]+/g, '0xN')
    .replace(/getrandom\("[^"]*"/g, 'getrandom("…"')
    .replace(/rseq\(\{.*?\}, 32/g, 'rseq(0xN, 32')
    .replace(/^(set_tid_address|getpid|getppid)(.*= )\d+$/gm, '$1$2N')
    .replace(/^kill\(\d+/gm, 'kill(N')
    .replace(/si_pid=\d+/g, 'si_pid=N')
    .replace(/^procmem: .*\n/gm, '')
    .replace(/ +=/g, ' =');
}

const why = missingApps();
if (why !== null) console.log(`SKIPPED guest/apps-strace: ${why}`);
for (const argv of COMMANDS) {
  const title = `of ${argv.join(' ')}`;
  if (why !== null) {
    test.skip(title);
    continue;
  }
  test(title, () => {
    const own = byCommandLine({ name: title, argv }, '--strace');
    const inside = byCommandLine({ name: title, argv: ['strace', ...argv] });
    assert.is(comparable(own.stderr), comparable(inside.stderr));
    assert.equal([own.stdout, own.status], [inside.stdout, inside.status]);
    assert.match(own.stderr, /^execve\(/);
  });
}

test.run();
