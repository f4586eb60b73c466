/** What smaps says of one mapping. */
export interface HostSizes {
  readonly rss: number;
  /** Bytes of pages that are the process's own. */
  readonly anonymous: number;
  /** Mnemonics of VmFlags. */
  readonly flags: readonly string[];
}

const HEADER = /^([0-9a-f]+)-[0-9a-f]+ /;

/** Sizes and flags of every mapping, by its start; lines of unknown labels are passed over. */
export function parseSmaps(text: string): Map<number, HostSizes> {
  const sizes = new Map<number, HostSizes>();
  let start: number | null = null;
  let [rss, anonymous] = [0, 0];
  for (const line of text.split('\n')) {
    const header = HEADER.exec(line)?.[1];
    if (header !== undefined) start = parseInt(header, 16);
    else if (line.startsWith('Rss:')) rss = parseInt(line.slice(4), 10) * 1024;
    else if (line.startsWith('Anonymous:')) anonymous = parseInt(line.slice(10), 10) * 1024;
    else if (line.startsWith('VmFlags:') && start !== null) {
      const flags = line.slice(8).trim().split(' ');
      sizes.set(start, { rss, anonymous, flags });
    }
  }
  return sizes;
}
