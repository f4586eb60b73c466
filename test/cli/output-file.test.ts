import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { InputError } from '../../src/cli/io.js';
import { OutputFile, writeAt } from '../../src/cli/output-file.js';

const test = suite('cli/output-file');
const dir = mkdtempSync(join(tmpdir(), 'procmem-output-'));
test.after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'out');
const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);

test('bytes stand where they were put, zeros between them, and it is its owner’s alone', () => {
  const file = new OutputFile(path, { replace: true });
  file.put({ offset: 4, bytes: bytes(5, 6) });
  writeAt(file, { offset: 0, bytes: bytes(1) });
  const large = new Uint8Array(2 ** 20).map((_, i) => i % 251);
  file.put({ offset: 4096, bytes: large });
  file.complete(2 ** 21);
  file.close();
  const found = readFileSync(path);
  assert.is(found.length, 2 ** 21);
  assert.equal([...found.subarray(0, 8)], [1, 0, 0, 0, 5, 6, 0, 0]);
  assert.is(Buffer.compare(found.subarray(4096, 4096 + large.length), large), 0);
  assert.is(statSync(path).mode & 0o777, 0o600);
});

test('what is not completed is gone, and what was there before is replaced', () => {
  writeFileSync(path, 'longer than what comes');
  const first = new OutputFile(path, { replace: true });
  first.put({ offset: 0, bytes: bytes(65) });
  first.complete(1);
  first.close();
  assert.is(readFileSync(path, 'latin1'), 'A');
  const second = new OutputFile(path, { replace: true });
  second.put({ offset: 0, bytes: bytes(66) });
  second.close();
  assert.not.ok(existsSync(path));
});

test('a file that is replaced keeps the mode that somebody gave it', () => {
  for (const mode of [0o600, 0o640, 0o644]) {
    writeFileSync(path, 'before');
    chmodSync(path, mode);
    const file = new OutputFile(path, { replace: true });
    file.put({ offset: 0, bytes: bytes(65) });
    file.complete(1);
    file.close();
    assert.is(readFileSync(path, 'latin1'), 'A');
    assert.is(statSync(path).mode & 0o777, mode);
    rmSync(path);
  }
});

test('a file that is read for it, or is there and not to be replaced, stays as it is', () => {
  writeFileSync(path, 'input');
  const own = { replace: true, input: path };
  assert.throws(() => new OutputFile(path, own), /: this is the file that is read$/);
  assert.throws(() => new OutputFile(path, { replace: false }), /: it exists already$/);
  assert.is(readFileSync(path, 'latin1'), 'input');
});

if (process.platform !== 'linux') console.log('SKIPPED cli/output-file: no devices and pipes here');
else {
  test('devices and pipes are refused at once, and stay', () => {
    const pipe = join(dir, 'pipe');
    spawnSync('mkfifo', [pipe]);
    for (const [place, message] of [
      ['/dev/null', /^\/dev\/null: not a regular file$/],
      ['/dev/full', /^\/dev\/full: not a regular file$/],
      [pipe, /pipe: not a regular file$/],
      [dir, /: this is a directory$/],
      [join(dir, 'no/where'), /: no such file$/],
    ] as const) {
      const make = (): OutputFile => new OutputFile(place, { replace: true });
      assert.throws(make, (error: unknown) => {
        return error instanceof InputError && message.test(error.message);
      });
    }
    assert.ok(statSync('/dev/null').isCharacterDevice());
    assert.ok(existsSync(pipe));
  });

  test('a disk that is full is told by the name of the file', () => {
    // RLIMIT_FSIZE of the shell: EFBIG, and no signal, as Node ignores SIGXFSZ.
    const module = new URL('../../src/cli/output-file.js', import.meta.url).href;
    const code = `
      process.on('SIGXFSZ', () => {});
      const { OutputFile } = await import(${JSON.stringify(module)});
      const file = new OutputFile(${JSON.stringify(path)}, { replace: true });
      try { file.put({ offset: 0, bytes: new Uint8Array(2 ** 21) }); console.log('no error'); }
      catch (error) { console.log(error.name, error.message); }
      file.close();`;
    const shell = 'ulimit -f 1024; exec "$0" --input-type=module -e "$1"';
    const { stdout } = spawnSync('sh', ['-c', shell, process.execPath, code], { encoding: 'utf8' });
    assert.match(stdout, /^\w+ \S+out: a file may not become so large\n$/);
    assert.not.ok(existsSync(path));
  });
}

test.run();
