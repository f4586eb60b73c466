import type { Kernel } from '../kernel/kernel.js';
import { FdTable } from '../vfs/fdtable.js';
import { type HostConsole, HostStream } from '../vfs/stream-file.js';
import type { Vfs } from '../vfs/vfs.js';

/** Consoles by name, or what gives that of a name, or null. */
export type GivenConsoles =
  Readonly<Record<string, HostConsole>> | ((name: string) => HostConsole | null);

/** The streams of the host that any task has open. */
function openStreams(kernel: Kernel): Set<HostStream> {
  const found = new Set<HostStream>();
  for (const { files } of kernel.tasks()) {
    if (!(files instanceof FdTable)) continue;
    for (const fd of files.openFds()) {
      const data = files.getRaw(fd)?.inode.privateData;
      if (data instanceof HostStream) found.add(data);
    }
  }
  return found;
}

function consoleOf(given: GivenConsoles | undefined, name: string): HostConsole | null {
  if (typeof given === 'function') return given(name);
  return (given !== undefined && Object.hasOwn(given, name) ? given[name] : null) ?? null;
}

/**
 * Gives the streams and the terminal of a machine that was restored their consoles. Who has none reads the end,
 * and writes to nobody.
 *
 * @throws {TypeError} a console of the wrong kind
 */
export function attachConsoles(kernel: Kernel, vfs: Vfs, given: GivenConsoles | undefined): void {
  for (const stream of openStreams(kernel)) {
    const host = consoleOf(given, stream.name);
    stream.take = () => false;
    stream.wanted = () => undefined;
    if (host === null) stream.ended = true;
    else host.restored(stream);
  }
  for (const tty of vfs.devpts.ttys.values()) {
    if (tty.master !== null) continue;
    const host = consoleOf(given, tty === vfs.tty ? 'tty' : `pts/${tty.index}`);
    tty.host = { display: () => undefined };
    if (host === null) tty.hungUp = true;
    else host.restored(tty);
  }
}
