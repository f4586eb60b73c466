// CPython, in this very process, reads and writes the memory of a machine's process.
import { loadPyodide } from 'pyodide';
import { Machine } from 'procmem';
import { emscriptenFileSystem } from 'procmem/emscripten';

const machine = await Machine.create();
const target = machine.spawn({ comm: 'target', uid: 1000 });
const addr = target.mmap({ length: 8192 });
target.store(addr, new TextEncoder().encode('seen from Python'));
const reader = machine.spawn({ uid: 1000 });

const pyodide = await loadPyodide();
pyodide.FS.mkdir('/emu');
pyodide.FS.mount(emscriptenFileSystem(pyodide.FS, reader), { path: '/proc' }, '/emu');
pyodide.globals.set('pid', target.pid);
pyodide.globals.set('addr', Number(addr));
pyodide.runPython(`
import os, re

print(open(f'/emu/{pid}/comm').read().strip(), 'mem' in os.listdir(f'/emu/{pid}'))
print(os.readlink(f'/emu/{pid}/cwd'))
maps = open(f'/emu/{pid}/maps').read()
start, end = [int(x, 16) for x in re.match('(\\\\w+)-(\\\\w+) rw-p', maps).groups()]
print(start == addr, end - start)
with open(f'/emu/{pid}/mem', 'r+b', 0) as mem:
    mem.seek(addr)
    print(mem.read(16).decode())
    mem.seek(addr + 10)
    mem.write(b'PYTHON')
    print(os.pread(mem.fileno(), 16, addr).decode())
    try:
        os.pread(mem.fileno(), 1, addr + 8192)
    except OSError as error:
        print(error.strerror)
try:
    open('/emu/1/mem')
except OSError as error:
    print(error.strerror)
`);
console.log(new TextDecoder().decode(target.load(addr, 16)));
