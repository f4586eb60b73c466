import { spawnSync } from 'node:child_process';
import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
  writeSync,
} from 'node:fs';

import type { HostThread } from './callers.js';
import { errorReply, type FuseServer, REQUEST_BYTES } from './server.js';

/** A mount that could not be made or taken away: what the system said. */
export class MountError extends Error {
  override readonly name = 'MountError';
}

/** A FUSE mount before or while somebody serves it. */
export interface FuseMount {
  /** The absolute path, without links. */
  readonly directory: string;
  /** The open /dev/fuse that its requests come through. */
  readonly fd: number;
}

const DEVICE = '/dev/fuse';

/**
 * Mounts a FUSE file system on a directory; its requests wait until serveFuse() reads them. mount(8)
 * inherits the open device and so mounts for us: no helper and no native module is needed, only the
 * right to mount (root, or `unshare -Urm` where the device is open to all).
 *
 * @throws {MountError} no such directory, no /dev/fuse, or mount(8) refused
 */
export function mountFuse(directory: string): FuseMount {
  const path = mountPoint(directory);
  const fd = openDevice();
  const options = [
    'fd=3,rootmode=40555,user_id=0,group_id=0,allow_other',
    'subtype=procmem,nosuid,nodev,noexec',
  ].join(',');
  const args = ['-i', '-t', 'fuse', '-o', options, 'procmem', path];
  const { status, error, stderr } = spawnSync('mount', args, {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    encoding: 'utf8',
  });
  if (status === 0) return { directory: path, fd };
  closeSync(fd);
  throw new MountError(`${directory}: ${error?.message ?? stderr.trim()}`);
}

/** @throws {MountError} no directory, or the host's own /proc, which is read while serving */
function mountPoint(directory: string): string {
  let path: string;
  try {
    path = realpathSync(directory);
    if (!statSync(path).isDirectory()) throw new MountError(`${directory}: not a directory`);
  } catch (error) {
    if (error instanceof MountError) throw error;
    throw new MountError(`${directory}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  if (path === '/proc' || path === '/') {
    throw new MountError(`${directory}: the host's own; mount elsewhere and bind it there`);
  }
  return path;
}

function openDevice(): number {
  try {
    return openSync(DEVICE, 'r+');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new MountError(`${DEVICE}: ${code === 'ENOENT' ? 'this kernel has no FUSE' : code}`);
  }
}

/**
 * Takes a mount away. From one that is in use its users are cut off: what they have open answers
 * ENOTCONN, and nobody waits.
 *
 * @returns whether nobody was using it
 * @throws {MountError} umount(8) refused
 */
export function unmountFuse({ directory }: FuseMount): boolean {
  if (umount(['-i', directory]) === null) return true;
  // By force the connection ends at once (fuse_umount_begin()), and with it a read of the device.
  const refusal = umount(['-i', '-f', '-l', directory]);
  if (refusal !== null) throw new MountError(refusal);
  return false;
}

function umount(args: string[]): string | null {
  const { status, error, stderr } = spawnSync('umount', args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  return status === 0 ? null : (error?.message ?? stderr.trim());
}

/**
 * Answers the requests of a mount, one after the other, until it is unmounted. It blocks: have a
 * worker do it, so that somebody can unmount. The thread must not touch the mount itself.
 *
 * @throws {Error} Node's, when the device fails
 */
export function serveFuse(fd: number, server: FuseServer): void {
  const buffer = new Uint8Array(REQUEST_BYTES);
  while (true) {
    const length = nextRequest(fd, buffer);
    if (length === null) return;
    const reply = server.handle(buffer.subarray(0, length));
    if (reply !== null) send(fd, reply);
  }
}

/** Reads a request; null when the mount is gone. */
function nextRequest(fd: number, buffer: Uint8Array): number | null {
  while (true) {
    try {
      return readSync(fd, buffer, 0, buffer.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENODEV') return null;
      // ENOENT: its caller was interrupted before we took it.
      if (code !== 'EINTR' && code !== 'EAGAIN' && code !== 'ENOENT') throw error;
    }
  }
}

function send(fd: number, reply: Uint8Array): void {
  try {
    writeSync(fd, reply);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOENT: nobody waits for it any more. ENODEV: the mount is gone, as the next read will say.
    if (code === 'ENOENT' || code === 'ENODEV') return;
    if (code !== 'EINVAL' || reply.length <= 16) throw error;
    // The kernel found it malformed: whoever waits is not to wait for ever.
    send(fd, errorReply(reply));
  }
}

/** What this computer knows of one of its threads: the `describe` of a server's options. */
export function describeHostThread(pid: number): HostThread | null {
  if (pid === 0) return null;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const tgid = Number(/^Tgid:\s*(\d+)$/m.exec(status)?.[1] ?? pid);
    const comm = /^Name:\t(.*)$/m.exec(status)?.[1] ?? '';
    return { tgid, comm };
  } catch {
    return null;
  }
}
