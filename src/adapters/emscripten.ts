import type { FileStat } from '../vfs/file-stat.js';
import type { FileDescriptor, Files } from './files.js';
import { wasiErrno } from './wasi-errno.js';

/** What is used of Emscripten's FS. */
export interface EmscriptenFS {
  readonly ErrnoError: new (errno: number) => Error;
  createNode(
    parent: EmscriptenNode | null,
    name: string,
    mode: number,
    rdev: number,
  ): EmscriptenNode;
  isDir(mode: number): boolean;
}

/** A node of Emscripten's FS (FSNode). */
export interface EmscriptenNode {
  readonly id: number;
  readonly name: string;
  readonly parent: EmscriptenNode;
  readonly mount: { readonly opts: { readonly path?: string } };
  node_ops: object;
  stream_ops: object;
}

/** An open file of Emscripten's FS (FSStream). */
interface EmscriptenStream {
  readonly node: EmscriptenNode;
  readonly flags: number;
  /** Where it is: a number, exact up to 2^53. */
  position: number;
  machineFile?: FileDescriptor;
}

/**
 * The machine's files as a file system of Emscripten, to be mounted in Pyodide or any program built with
 * FS: reads and writes go to the machine each time, at any offset below 2^53.
 *
 * @example
 * const { FS } = pyodide;
 * FS.mkdir('/emu');
 * FS.mount(emscriptenFileSystem(FS, task), { path: '/proc' }, '/emu');
 */
export function emscriptenFileSystem(FS: EmscriptenFS, files: Files) {
  const attempt = attempting(FS);
  const streamOps = streamOperations(FS, files);

  function createNode(parent: EmscriptenNode | null, name: string, stat: FileStat): EmscriptenNode {
    const node = FS.createNode(parent, name, stat.mode, stat.rdev);
    node.node_ops = nodeOps;
    node.stream_ops = streamOps;
    return node;
  }

  const nodeOps = {
    getattr: (node: EmscriptenNode) => attempt(() => attributes(node, files.lstat(pathOf(node)))),
    /** A size of 0 is what opening to write anew asks for; nothing else can be set. */
    setattr: (node: EmscriptenNode, { size }: { readonly size?: number }): void => {
      if (size !== 0) throw new FS.ErrnoError(wasiErrno({ code: 'EPERM' }));
      attempt(() => files.open(pathOf(node), O_WRONLY | O_TRUNC).close());
    },
    lookup: (parent: EmscriptenNode, name: string) =>
      attempt(() => createNode(parent, name, files.lstat(`${pathOf(parent)}/${name}`))),
    readdir: (node: EmscriptenNode) => attempt(() => ['.', '..', ...files.readdir(pathOf(node))]),
    readlink: (node: EmscriptenNode) => attempt(() => files.readlink(pathOf(node))),
  };

  return {
    mount: ({ opts }: { readonly opts: { readonly path?: string } }): EmscriptenNode =>
      attempt(() => createNode(null, '/', files.stat(opts.path ?? '/proc'))),
  };
}

/** Runs a call; an error of the machine becomes Emscripten's. */
function attempting(FS: EmscriptenFS) {
  return <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw new FS.ErrnoError(wasiErrno(error));
    }
  };
}

/** What open files do: everything goes to the machine. */
function streamOperations(FS: EmscriptenFS, files: Files) {
  const attempt = attempting(FS);
  return {
    open: (stream: EmscriptenStream): void => {
      const path = pathOf(stream.node);
      stream.machineFile = attempt(() => files.open(path, stream.flags & OPEN_FLAGS));
    },
    close: (stream: EmscriptenStream): void => attempt(() => stream.machineFile?.close()),
    read: (
      stream: EmscriptenStream,
      buffer: Uint8Array,
      offset: number,
      length: number,
      at: number,
    ) => attempt(() => fileOf(stream).pread(bytesOf(buffer, offset, length), at)),
    write: (
      stream: EmscriptenStream,
      buffer: Uint8Array,
      offset: number,
      length: number,
      at: number,
    ) => attempt(() => fileOf(stream).pwrite(bytesOf(buffer, offset, length), at)),
    llseek: (stream: EmscriptenStream, offset: number, whence: number): number => {
      const [by, from] = whence === 1 ? [stream.position + offset, 0] : [offset, whence];
      if (from === 0 && by < 0) throw new FS.ErrnoError(wasiErrno({ code: 'EINVAL' }));
      return Number(attempt(() => fileOf(stream).seek(BigInt.asUintN(64, BigInt(by)), from)));
    },
  };
}

/** Bits of Linux, which Emscripten has too. */
const O_WRONLY = 0o1;
const O_TRUNC = 0o1000;
/** The access mode, O_APPEND and O_TRUNC: what FS leaves to the file. */
const OPEN_FLAGS = 0o3003;

/** A path of the machine: where it is mounted from, and the names down to the node. */
function pathOf(node: EmscriptenNode): string {
  const names: string[] = [];
  let at = node;
  for (; at.parent !== at; at = at.parent) names.unshift(at.name);
  return [node.mount.opts.path ?? '/proc', ...names].join('/');
}

function attributes(node: EmscriptenNode, stat: FileStat) {
  return {
    dev: stat.dev,
    ino: node.id,
    mode: stat.mode,
    nlink: stat.nlink,
    uid: stat.uid,
    gid: stat.gid,
    rdev: stat.rdev,
    size: stat.size,
    atime: new Date(stat.atime),
    mtime: new Date(stat.mtime),
    ctime: new Date(stat.ctime),
    blksize: stat.blksize,
    blocks: stat.blocks,
  };
}

function fileOf(stream: EmscriptenStream): FileDescriptor {
  const file = stream.machineFile;
  if (file === undefined) throw new TypeError('stream: was not opened');
  return file;
}

/** Emscripten gives its memory as signed bytes. */
function bytesOf(buffer: Uint8Array, offset: number, length: number): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length);
}
