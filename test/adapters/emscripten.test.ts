// CPython in Pyodide over the files of a task; each row is a line of Python and what it comes to.
import { fileURLToPath } from 'node:url';
import { loadPyodide } from 'pyodide';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { type EmscriptenFS, emscriptenFileSystem } from '../../src/adapters/emscripten.js';
import { Machine } from '../../src/machine.js';

const test = suite('adapters/emscripten');
const machine = await Machine.create();
const task = machine.spawn({ comm: 'python', uid: 1000 });
const addr = task.mmap({ length: 3 * 4096 });
task.store(
  addr,
  Uint8Array.from({ length: 3 * 4096 }, (_, i) => i >> 4),
);
task.munmap(addr + 4096n, 4096);
task.writeFile('/tmp/file', 'contents');

// It looks for its files by its own stack trace, which source maps change.
const indexURL = fileURLToPath(new URL('.', import.meta.resolve('pyodide')));
const pyodide = await loadPyodide({ indexURL });
const FS = pyodide.FS as unknown as EmscriptenFS & {
  mkdir(path: string): void;
  mount(type: object, options: object, path: string): void;
};
FS.mkdir('/emu');
FS.mount(emscriptenFileSystem(FS, task), { path: '/' }, '/emu');
pyodide.globals.set('addr', Number(addr));
pyodide.globals.set('pid', task.pid);
pyodide.runPython(`
import os, stat
proc = f'/emu/proc/{pid}'
mem = os.open(f'{proc}/mem', os.O_RDWR)
def error(call, *args):
    try: return call(*args)
    except OSError as problem: return problem.strerror
`);

const ROWS: readonly [python: string, shown: string][] = [
  ["open(f'{proc}/comm').read()", "'python\\n'"],
  ["sorted(os.listdir('/emu/proc')) == sorted(set(os.listdir('/emu/proc')))", 'True'],
  ["oct(os.stat(f'{proc}/mem').st_mode), os.stat(f'{proc}/mem').st_uid", "('0o100600', 1000)"],
  [
    "stat.S_ISLNK(os.lstat('/emu/proc/self').st_mode), os.readlink('/emu/proc/self') == str(pid)",
    '(True, True)',
  ],
  ['len(os.pread(mem, 9000, addr))', '4096'],
  ['os.pread(mem, 3, addr + 30)', "b'\\x01\\x01\\x02'"],
  ['os.pwrite(mem, b"abc", addr + 4094)', '2'],
  ['os.pread(mem, 2, addr + 4094)', "b'ab'"],
  ['error(os.pread, mem, 1, addr + 4096)', "'I/O error'"],
  ['error(os.pwrite, mem, b"x", addr + 4096)', "'I/O error'"],
  [
    'os.lseek(mem, addr + 8192, os.SEEK_SET) == addr + 8192, len(os.read(mem, 9000))',
    '(True, 4096)',
  ],
  ['os.lseek(mem, -16, os.SEEK_CUR) == addr + 12288 - 16', 'True'],
  ['error(os.lseek, mem, 0, os.SEEK_END)', "'Invalid argument'"],
  ["error(open, '/emu/proc/1/mem')", "'Permission denied'"],
  ["error(open, '/emu/proc/99999/mem')", "'No such file or directory'"],
  ["error(os.chmod, f'{proc}/maps', 0)", "'Operation not permitted'"],
  ["open('/emu/tmp/file').read()", "'contents'"],
  [
    "open('/emu/tmp/file', 'a').write(', more'), open('/emu/tmp/file').read()",
    "(6, 'contents, more')",
  ],
  ["open('/emu/tmp/file', 'w').write('new'), open('/emu/tmp/file').read()", "(3, 'new')"],
];

for (const [python, shown] of ROWS) {
  test(`${python} is ${shown}`, () => {
    assert.is(pyodide.runPython(`repr((${python}))`), shown);
  });
}

test('what Python wrote is in the machine', () => {
  assert.is(task.readText('/tmp/file'), 'new');
  assert.equal([...task.load(addr + 4094n, 2)], [0x61, 0x62]);
});

test.run();
