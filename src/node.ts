import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { stringArgument } from './api/arguments.js';
import type { HostDirectory, WritableHostDirectory } from './vfs/host-directory.js';
import { type NodeWriteFs, nodeWritableHostDirectory } from './vfs/node-host-write.js';
import { nodeHostDirectory } from './vfs/node-host.js';

// By their names: of an import of all of them each is looked at, at every start of the command line.
const fs: NodeWriteFs = {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
};

/**
 * A directory of this computer for `machine.mountHost()`: read-only, and links do not lead out of it.
 *
 * @throws {Error} Node's, when there is no such directory
 * @throws {TypeError} no string
 */
export function hostDirectory(path: string): HostDirectory {
  return nodeHostDirectory(fs, stringArgument('path', path));
}

/**
 * The same to read and to write: what the machine changes there is changed on this computer.
 *
 * @throws {Error} Node's, when there is no such directory
 * @throws {TypeError} no string
 */
export function writableHostDirectory(path: string): WritableHostDirectory {
  return nodeWritableHostDirectory(fs, stringArgument('path', path));
}

// A machine's /proc on a real directory; see FuseServer of `procmem/fuse`.
export { describeHostThread, mountFuse, MountError, serveFuse, unmountFuse } from './fuse/mount.js';
export type { FuseMount } from './fuse/mount.js';
