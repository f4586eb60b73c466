/** One bit of a page-table entry, as x86-64 lays it out. */
export interface EntryBit {
  readonly bit: number;
  readonly name: string;
  /** What it says when it is set. */
  readonly set: string;
  /** What it says when it is not. */
  readonly clear: string;
  /** Levels that have it. */
  readonly levels: 'all' | 'last';
}

/** @see arch/x86/include/asm/pgtable_types.h */
export const ENTRY_BITS: readonly EntryBit[] = [
  {
    bit: 0,
    name: 'present',
    set: 'The CPU may follow the entry.',
    clear: 'The CPU faults.',
    levels: 'all',
  },
  {
    bit: 1,
    name: 'write',
    set: 'Stores pass.',
    clear: 'A store faults: the page is read only, shared until it is written, or clean.',
    levels: 'all',
  },
  {
    bit: 2,
    name: 'user',
    set: 'Programs may use it.',
    clear: 'Only the kernel may use it.',
    levels: 'all',
  },
  {
    bit: 5,
    name: 'accessed',
    set: 'It was used since the bit was last cleared.',
    clear: 'It was not used since.',
    levels: 'all',
  },
  {
    bit: 6,
    name: 'dirty',
    set: 'The page was written.',
    clear: 'The page was not written.',
    levels: 'all',
  },
  {
    bit: 8,
    name: 'protnone',
    set: 'The page is there, and the mapping forbids every access (PROT_NONE).',
    clear: 'Not a page under PROT_NONE.',
    levels: 'last',
  },
  {
    bit: 9,
    name: 'special',
    set: 'The zero page, which no process owns.',
    clear: 'A page that somebody has.',
    levels: 'last',
  },
  {
    bit: 10,
    name: 'uffd-wp',
    set: 'A userfaultfd is told of stores.',
    clear: 'No userfaultfd waits for stores.',
    levels: 'last',
  },
  {
    bit: 11,
    name: 'soft-dirty',
    set: 'Written since /proc/PID/clear_refs last cleared the bit.',
    clear: 'Not written since.',
    levels: 'last',
  },
  {
    bit: 58,
    name: 'device',
    set: 'Registers of a device, no memory.',
    clear: 'Memory.',
    levels: 'last',
  },
  {
    bit: 63,
    name: 'no-exec',
    set: 'Fetching an instruction faults.',
    clear: 'It may be executed.',
    levels: 'last',
  },
];

/** Whether a bit of an entry is set. */
export function hasBit(entry: bigint, bit: number): boolean {
  return ((entry >> BigInt(bit)) & 1n) === 1n;
}

/** Number of the frame that an entry names: bits 12 to 51. */
export function frameIn(entry: bigint): bigint {
  return (entry >> 12n) & ((1n << 40n) - 1n);
}

/** The entry of a page that is not there: empty, or a marker; null of any other. @see include/linux/swapops.h */
export function absence(entry: bigint): string | null {
  if (hasBit(entry, 0) || hasBit(entry, 8)) return null;
  if (entry === 0n) {
    return 'The entry is empty, so the walk ends here: the CPU faults, and the kernel decides by the mapping.';
  }
  const marker = MARKERS.get(entry) ?? 'what is meant by it is not known here';
  return `A marker, not a page: ${marker}.`;
}

const MARKERS: ReadonlyMap<bigint, string> = new Map([
  [2n, 'a guard page, every access is SIGSEGV'],
  [4n, 'whatever comes here is write-protected by a userfaultfd'],
  [8n, 'poisoned by a userfaultfd, an access is SIGBUS'],
]);

/** What a read, a store and a fetch of the CPU do now, by entry and mapping. */
export function consequences(
  entry: bigint,
  perms: string | null,
): readonly { readonly access: string; readonly result: string; readonly good: boolean }[] {
  if (perms === null) {
    return ['read', 'store', 'fetch'].map((access) => {
      return { access, result: 'SIGSEGV: nothing is mapped here', good: false };
    });
  }
  const present = hasBit(entry, 0);
  const rows = [
    { access: 'read', letter: 'r', passes: present },
    { access: 'store', letter: 'w', passes: present && hasBit(entry, 1) },
    { access: 'fetch', letter: 'x', passes: present && !hasBit(entry, 63) },
  ];
  return rows.map(({ access, letter, passes }) => {
    if (passes) return { access, result: 'passes, without a fault', good: true };
    const isPrivate = perms[3] === 'p';
    // What may be written can be read on x86-64.
    const may = perms.includes(letter) || (letter === 'r' && /[wx]/.test(perms));
    if (!may) return { access, result: 'SIGSEGV: the mapping forbids it', good: false };
    return { access, result: faultResult(access, present, entry, isPrivate), good: true };
  });
}

function faultResult(access: string, present: boolean, entry: bigint, isPrivate: boolean): string {
  if (access !== 'store' || !present) {
    if (entry !== 0n && !present) return 'a fault, by what the marker says';
    return access === 'store'
      ? 'a fault brings a page in, writable'
      : 'a fault brings the page in first';
  }
  if (hasBit(entry, 9)) return 'a fault replaces the zero page by one of its own';
  return isPrivate
    ? 'a fault copies the page, or makes it writable if nobody else maps it'
    : 'a fault makes the shared page writable';
}
