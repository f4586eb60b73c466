// A WASI program reads and writes /proc of a machine. It is compiled here; any other will do.
import * as shim from '@bjorn3/browser_wasi_shim';
import asc from 'assemblyscript/asc';
import { Machine } from 'procmem';
import { wasiDirectory } from 'procmem/wasi';

const machine = await Machine.create();
const target = machine.spawn({ uid: 1000 });
const addr = target.mmap({ length: 4096 });
target.store(addr, new TextEncoder().encode('seen from WASI'));

// Opens PID/mem in descriptor 3, preads 14 bytes at an address, prints them, and writes over them.
const PROGRAM = `
@external('wasi_snapshot_preview1', 'path_open') declare function path_open(
  fd: i32, dirflags: i32, path: usize, length: usize, oflags: i32,
  rights: i64, inherited: i64, fdflags: i32, result: usize): i32;
@external('wasi_snapshot_preview1', 'fd_pread') declare function fd_pread(
  fd: i32, iovs: usize, count: i32, offset: u64, result: usize): i32;
@external('wasi_snapshot_preview1', 'fd_pwrite') declare function fd_pwrite(
  fd: i32, iovs: usize, count: i32, offset: u64, result: usize): i32;
@external('wasi_snapshot_preview1', 'fd_write') declare function fd_write(
  fd: i32, iovs: usize, count: i32, result: usize): i32;

export function read(path: usize, length: i32, addr: u64): i32 {
  let error = path_open(3, 0, path, length, 0, 66, 0, 0, 512);
  if (error) return error;
  const fd = load<i32>(512);
  store<u32>(520, 600);
  store<u32>(524, 14);
  error = fd_pread(fd, 520, 1, addr, 528);
  if (error) return error;
  fd_write(1, 520, 1, 532);
  store<u32>(600, 0x4e454553);
  return fd_pwrite(fd, 520, 1, addr, 528);
}
`;

const built = {};
const { error } = await asc.main(
  ['program.ts', '--runtime', 'stub', '--memoryBase', '4096', '--outFile', 'program.wasm'],
  {
    readFile: (name) => (name === 'program.ts' ? PROGRAM : null),
    writeFile: (name, contents) => void (built[name] = contents),
    listFiles: () => [],
  },
);
if (error !== null) throw error;

const out = shim.ConsoleStdout.lineBuffered((line) => console.log(line));
const proc = wasiDirectory(shim, machine.spawn({ uid: 1000 }));
const wasi = new shim.WASI([], [], [out, out, out, proc], { debug: false });
const { instance } = await WebAssembly.instantiate(built['program.wasm'], {
  wasi_snapshot_preview1: wasi.wasiImport,
  env: { abort: () => {} },
});
wasi.inst = instance;
const run = (path, at) => {
  const bytes = new TextEncoder().encode(path);
  new Uint8Array(instance.exports.memory.buffer).set(bytes, 1024);
  return instance.exports.read(1024, bytes.length, at);
};
console.log(run(`${target.pid}/mem`, addr));
out.fd_write(new TextEncoder().encode('\n'));
console.log(new TextDecoder().decode(target.load(addr, 14)));
console.log(run(`${target.pid}/mem`, addr + 4096n)); // EIO
console.log(run('nothing', 0n)); // ENOENT
console.log(run('1/mem', 0n)); // EACCES
console.log(run('../etc/passwd', 0n)); // ENOTCAPABLE
