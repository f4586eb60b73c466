import type { KernelProfile } from '../kernel/profile.js';
import { DEFAULT_PROFILE } from '../kernel/profile.js';
import { PROFILES, type ProfileName } from '../kernel/named-profiles.js';
import { tgidBaseStuff, tidBaseStuff } from '../procfs/pid.js';
import { NR_GENERIC } from '../syscall/table-generic.js';
import { NR_X86_64 } from '../syscall/table-x86-64.js';
import {
  booleanArgument,
  intArgument,
  objectArgument,
  oneOf,
  shown,
  stringArgument,
  stringsArgument,
} from './arguments.js';

/** A kernel: one with a name, changed in single rules. */
export interface ProfileOptions extends Partial<KernelProfile> {
  /** The kernel it is but for the rules that are given (default `linux-6.18`). */
  readonly base?: ProfileName;
}

type Check = (name: string, value: never) => unknown;

const bytes: Check = (name, value) => intArgument(name, value, 0, Number.MAX_SAFE_INTEGER);
const choice =
  (...values: readonly string[]): Check =>
  (name, value) =>
    oneOf<string>(name, value, values);

/** How the value of each rule is looked at. */
const CHECKS: Readonly<Record<keyof KernelProfile, Check>> = {
  release: stringArgument,
  version: stringArgument,
  nodename: stringArgument,
  forceOverride: choice('always', 'ptrace', 'never'),
  yama: (name, value: number | null) => (value === null ? value : oneOf(name, value, [0, 1, 2, 3])),
  lsmMmapMinAddr: bytes,
  totalRam: bytes,
  zeroPage: booleanArgument,
  softDirty: booleanArgument,
  memNeedsMm: booleanArgument,
  perfmonReads: booleanArgument,
  remembersDumpable: booleanArgument,
  processVmGrowsStack: booleanArgument,
  mremapSeveral: booleanArgument,
  guardRegions: choice('none', 'anonymous', 'all'),
  thpAlignment: choice('none', 'large', 'multiples'),
  mapDroppable: booleanArgument,
  procmapQuery: booleanArgument,
  pagemapScan: booleanArgument,
  execAddsArgument: booleanArgument,
  missingSyscalls: (name, value) => knownNames(name, value, isSyscall, 'a system call'),
  pidEntries: (name, value: readonly string[] | null) =>
    value === null ? value : knownNames(name, value, isPidEntry, 'an entry of /proc/PID'),
};

/** Whether Linux has a call of this name on any of the architectures. */
export function isSyscall(name: string): boolean {
  return Object.hasOwn(NR_X86_64, name) || Object.hasOwn(NR_GENERIC, name);
}

function isPidEntry(name: string): boolean {
  return [...tgidBaseStuff, ...tidBaseStuff].some((entry) => entry.name === name);
}

function knownNames(
  name: string,
  value: readonly string[],
  isKnown: (name: string) => boolean,
  what: string,
): void {
  for (const each of stringsArgument(name, value)) {
    if (!isKnown(each)) throw new TypeError(`${name}: ${shown(each)} is not ${what}`);
  }
}

function named(name: string, value: unknown): KernelProfile {
  if (typeof value === 'string' && Object.hasOwn(PROFILES, value)) {
    return PROFILES[value as ProfileName];
  }
  const known = Object.keys(PROFILES).join(', ');
  throw new TypeError(`${name}: ${shown(value)} is not one of ${known}`);
}

/**
 * The kernel that an option asks for.
 *
 * @throws {TypeError} no such profile or rule, or a value of the wrong type
 * @throws {RangeError} a value out of its range
 */
export function resolveProfile(option: ProfileName | ProfileOptions = 'linux-6.18'): KernelProfile {
  if (typeof option === 'string') return named('profile', option);
  objectArgument('profile', option);
  const { base, ...rules } = option;
  for (const [name, value] of Object.entries(rules)) {
    if (!Object.hasOwn(CHECKS, name)) {
      const known = Object.keys(CHECKS).join(', ');
      throw new TypeError(`profile: ${shown(name)} is not one of the rules: ${known}`);
    }
    if (value !== undefined) CHECKS[name as keyof KernelProfile](`profile.${name}`, value as never);
  }
  const given = Object.fromEntries(
    Object.entries(rules).filter(([, value]) => value !== undefined),
  );
  return { ...(base === undefined ? DEFAULT_PROFILE : named('profile.base', base)), ...given };
}
