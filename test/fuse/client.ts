// What the host's kernel does at the other end: it makes requests and reads answers.
import * as assert from 'uvu/assert';

import { errnoName } from '../../src/errno.js';
import * as abi from '../../src/fuse/abi.js';
import type { HostCaller } from '../../src/fuse/request.js';
import type { FuseServer } from '../../src/fuse/server.js';

export interface Answer {
  /** The name of the error, or null. */
  readonly error: string | null;
  readonly body: Uint8Array;
}

export const ROOT: HostCaller = { uid: 0, gid: 0, pid: 20001 };

/** The bytes of a request. */
export function encode(
  opcode: number,
  nodeid: number,
  body: Uint8Array = new Uint8Array(0),
  caller: HostCaller = ROOT,
  unique: number | bigint = 7,
): Uint8Array {
  const bytes = new Uint8Array(abi.IN_HEADER.size + body.length);
  const { uid, gid, pid } = caller;
  abi.IN_HEADER.encode({ len: bytes.length, opcode, unique, nodeid, uid, gid, pid }, bytes);
  bytes.set(body, abi.IN_HEADER.size);
  return bytes;
}

/** A structure as bytes of its own. */
export function pack<V>(
  struct: { readonly size: number; encode(values: V, into: Uint8Array): number },
  values: V,
  tail: Uint8Array | string = '',
): Uint8Array {
  const rest = typeof tail === 'string' ? new TextEncoder().encode(tail) : tail;
  const bytes = new Uint8Array(struct.size + rest.length);
  struct.encode(values, bytes);
  bytes.set(rest, struct.size);
  return bytes;
}

export const INIT = pack(abi.INIT_IN, { major: 7, minor: 45, maxReadahead: 131072, flags: -1 });

export class FuseClient {
  readonly server: FuseServer;
  caller = ROOT;
  #unique = 0;

  constructor(server: FuseServer) {
    this.server = server;
  }

  /** Makes a request and takes its answer apart; null where there is none. */
  send(opcode: number, nodeid: number, body?: Uint8Array): Answer | null {
    this.#unique += 2;
    const reply = this.server.handle(encode(opcode, nodeid, body, this.caller, this.#unique));
    if (reply === null) return null;
    const { len, error, unique } = abi.OUT_HEADER.decode(reply);
    assert.is(len, reply.length, 'the answer says its length');
    assert.is(unique, this.#unique, 'the answer is to this request');
    if (error !== 0) assert.is(reply.length, abi.OUT_HEADER.size, 'an error has no body');
    return {
      error: error === 0 ? null : errnoName(-error),
      body: reply.slice(abi.OUT_HEADER.size),
    };
  }

  init(): this {
    assert.is(this.send(abi.FUSE_INIT, 0, INIT)?.error, null);
    return this;
  }

  /** Makes a request that is to succeed. */
  ask(opcode: number, nodeid: number, body?: Uint8Array): Uint8Array {
    const answer = this.send(opcode, nodeid, body);
    assert.is(answer?.error, null);
    return answer!.body;
  }

  /** Walks a path from the root; the node it comes to, or the name of an error. */
  walk(path: string): number | string {
    let node = abi.FUSE_ROOT_ID;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const answer = this.send(abi.FUSE_LOOKUP, node, new TextEncoder().encode(`${name}\0`))!;
      if (answer.error !== null) return answer.error;
      node = Number(abi.ENTRY_OUT.decode(answer.body).nodeid);
    }
    return node;
  }

  /** Walks to a path that is there. */
  node(path: string): number {
    const node = this.walk(path);
    assert.type(node, 'number', `${path}: ${node}`);
    return node as number;
  }

  /** Opens a path; a handle, or the name of an error. */
  open(path: string, flags = 0): number | string {
    const node = this.walk(path);
    if (typeof node === 'string') return node;
    const answer = this.send(abi.FUSE_OPEN, node, pack(abi.OPEN_IN, { flags }))!;
    return answer.error ?? Number(abi.OPEN_OUT.decode(answer.body).fh);
  }

  read(fh: number | string, offset: number | bigint, size: number): Answer {
    return this.send(abi.FUSE_READ, 0, pack(abi.READ_IN, { fh: Number(fh), offset, size }))!;
  }

  write(fh: number | string, offset: number | bigint, bytes: Uint8Array): Answer {
    const header = { fh: Number(fh), offset, size: bytes.length };
    return this.send(abi.FUSE_WRITE, 0, pack(abi.WRITE_IN, header, bytes))!;
  }

  /** The text of a file, to its end. */
  text(path: string): string {
    const fh = this.open(path);
    assert.type(fh, 'number', `${path}: ${fh}`);
    let text = '';
    for (let at = 0; ;) {
      const { error, body } = this.read(fh, at, 65536);
      assert.is(error, null);
      if (body.length === 0) break;
      text += new TextDecoder('latin1').decode(body);
      at += body.length;
    }
    this.close(fh as number);
    return text;
  }

  close(fh: number): void {
    this.ask(abi.FUSE_RELEASE, 0, pack(abi.RELEASE_IN, { fh }));
  }

  readlink(path: string): string {
    return new TextDecoder().decode(this.ask(abi.FUSE_READLINK, this.node(path)));
  }

  /** The names in a directory, `size` bytes of entries at a time. */
  list(path: string, size = 4096): string[] {
    const node = this.node(path);
    const { fh } = abi.OPEN_OUT.decode(
      this.ask(abi.FUSE_OPENDIR, node, pack(abi.OPEN_IN, { flags: 0 })),
    );
    const names: string[] = [];
    for (let offset = 0; ;) {
      const body = this.ask(abi.FUSE_READDIR, node, pack(abi.READ_IN, { fh, offset, size }));
      if (body.length === 0) break;
      assert.ok(body.length <= size);
      for (let at = 0; at < body.length;) {
        const { off, namelen } = abi.DIRENT.decode(body.subarray(at));
        const name = body.subarray(at + abi.DIRENT.size, at + abi.DIRENT.size + namelen);
        names.push(new TextDecoder().decode(name));
        at += (abi.DIRENT.size + namelen + 7) & ~7;
        offset = Number(off);
      }
    }
    this.ask(abi.FUSE_RELEASEDIR, node, pack(abi.RELEASE_IN, { fh }));
    return names;
  }
}
