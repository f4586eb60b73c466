import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import {
  CAP_SETFCAP,
  CAP_SETGID,
  CAP_SETUID,
  CAP_SYS_ADMIN,
  capable,
  credCapable,
} from './capability.js';
import type { Cred } from './cred.js';
import type { TaskStruct } from './task.js';
import type { IdExtent, IdMapKind, UserNamespace } from './userns.js';
import { makeKgid, makeKuid, mapIdRangeDown } from './userns.js';

/** Where a namespace keeps each of its maps. */
const MAPS = { uid: 'uidMap', gid: 'gidMap', projid: 'projidMap' } as const;

/** Lines of a map at most. */
const UID_GID_MAP_MAX_EXTENTS = 340;
const LAST_ID = 0xffffffff;
/** A line: three decimal numbers, the C library's white space between them and after. */
const LINE = /^[\t-\r \u00a0]*(\d+)[\t-\r \u00a0]+(\d+)[\t-\r \u00a0]+(\d+)[\t-\r \u00a0]*$/;

/** simple_strtoul() stored in 32 bits: the excess wraps. */
function parseU32(digits: string): number {
  let value = 0;
  for (const digit of digits) value = (Math.imul(value, 10) + Number(digit)) >>> 0;
  return value;
}

function overlaps(a: IdExtent, b: IdExtent): boolean {
  const upper = a.first < b.first + b.count && b.first < a.first + a.count;
  const lower = a.lowerFirst < b.lowerFirst + b.count && b.lowerFirst < a.lowerFirst + a.count;
  return upper || lower;
}

function parseLine(line: string): IdExtent {
  const match = LINE.exec(line) ?? fail(EINVAL);
  const [first = 0, lowerFirst = 0, count = 0] = match.slice(1).map(parseU32);
  const wraps = first + count > LAST_ID || lowerFirst + count > LAST_ID;
  if (first === LAST_ID || lowerFirst === LAST_ID || count === 0 || wraps) fail(EINVAL);
  return { first, lowerFirst, count };
}

function parseIdMap(text: string): IdExtent[] {
  // The string ends at a NUL; one newline at the end does not start a line.
  const lines = (text.split('\0')[0] ?? '').replace(/\n$/, '').split('\n');
  if (lines.length > UID_GID_MAP_MAX_EXTENTS) fail(EINVAL);
  const extents: IdExtent[] = [];
  for (const line of lines) {
    const extent = parseLine(line);
    if (extents.some((other) => overlaps(other, extent))) fail(EINVAL);
    extents.push(extent);
  }
  return extents;
}

/**
 * Mapping the parent's id 0 needs CAP_SETFCAP there: of the creator when it maps itself, else of
 * the opener.
 */
function verifyRootMap(
  ns: UserNamespace,
  parent: UserNamespace,
  opener: Readonly<Cred>,
  writer: TaskStruct,
  extents: readonly IdExtent[],
): boolean {
  if (!extents.some((extent) => extent.lowerFirst === 0)) return true;
  if (opener.userNs === ns) return ns.parentCouldSetfcap;
  return credCapable(writer.kernel, opener, parent, CAP_SETFCAP);
}

/**
 * One line mapping the opener's own effective id is free for the creator; gids only once setgroups
 * is denied.
 */
function mapsOwnId(
  ns: UserNamespace,
  parent: UserNamespace,
  kind: IdMapKind,
  opener: Readonly<Cred>,
  extents: readonly IdExtent[],
): boolean {
  const [extent] = extents;
  if (extents.length !== 1 || extent === undefined || extent.count !== 1) return false;
  if (ns.owner !== opener.euid) return false;
  if (kind === 'uid') return makeKuid(parent, extent.lowerFirst) === opener.euid;
  return !ns.setgroupsAllowed && makeKgid(parent, extent.lowerFirst) === opener.egid;
}

/** @see kernel/user_namespace.c, new_idmap_permitted() */
function newIdmapPermitted(
  ns: UserNamespace,
  parent: UserNamespace,
  kind: IdMapKind,
  opener: Readonly<Cred>,
  writer: TaskStruct,
  extents: readonly IdExtent[],
): boolean {
  if (kind === 'uid' && !verifyRootMap(ns, parent, opener, writer, extents)) return false;
  if (mapsOwnId(ns, parent, kind, opener, extents)) return true;
  const cap = kind === 'uid' ? CAP_SETUID : CAP_SETGID;
  return capable(writer, parent, cap) && credCapable(writer.kernel, opener, parent, cap);
}

/**
 * Writes /proc/PID/uid_map, gid_map or projid_map of a namespace: once, from inside it or from its parent
 * (K-413). `opener` is the credentials the file was opened with, `pos` the file position.
 * @throws {LinuxError} EPERM: the initial namespace, a writer elsewhere, a second write, or ids not
 *   permitted
 * @throws {LinuxError} EINVAL: a position other than 0, a page or more of text, or text that is no
 *   map
 * @see kernel/user_namespace.c, proc_uid_map_write(), map_write()
 */
export function writeIdMap(
  ns: UserNamespace,
  kind: IdMapKind,
  opener: Readonly<Cred>,
  writer: TaskStruct,
  text: string,
  pos = 0,
): void {
  const { parent } = ns;
  if (parent === null) fail(EPERM);
  if (opener.userNs !== ns && opener.userNs !== parent) fail(EPERM);
  if (pos !== 0 || text.length >= PAGE_SIZE) fail(EINVAL);
  if (ns[MAPS[kind]] !== null) fail(EPERM);
  // Project ids are anybody's to map.
  const free = kind === 'projid';
  if (!free && !credCapable(writer.kernel, opener, ns, CAP_SYS_ADMIN)) fail(EPERM);
  const extents = parseIdMap(text);
  if (!free && !newIdmapPermitted(ns, parent, kind, opener, writer, extents)) fail(EPERM);
  const parentMap = parent[MAPS[kind]];
  ns[MAPS[kind]] = extents.map((extent) => {
    const lowerFirst = mapIdRangeDown(parentMap, extent.lowerFirst, extent.count);
    return lowerFirst < 0 ? fail(EPERM) : { ...extent, lowerFirst };
  });
}

/**
 * Gives the text of /proc/PID/uid_map, gid_map or projid_map as an opener in `reader` sees it: the lower ids
 * are its own, or the parent's when it reads its own map; 4294967295 where it has no such id.
 * @see kernel/user_namespace.c, uid_m_show()
 */
export function readIdMap(ns: UserNamespace, kind: IdMapKind, reader: UserNamespace): string {
  const lower = reader === ns && ns.parent !== null ? ns.parent : reader;
  const lowerMap = lower[MAPS[kind]] ?? [];
  const map = ns[MAPS[kind]] ?? [];
  const column = (value: number): string => String(value).padStart(10);
  return map
    .map(({ first, lowerFirst, count }) => {
      const extent = lowerMap.find(
        (e) => lowerFirst >= e.lowerFirst && lowerFirst < e.lowerFirst + e.count,
      );
      const shown = extent ? extent.first + (lowerFirst - extent.lowerFirst) : LAST_ID;
      return `${column(first)} ${column(shown)} ${column(count)}\n`;
    })
    .join('');
}

/**
 * Writes /proc/PID/setgroups: "deny" before the gid_map is set, for ever; "allow" while it still is
 * (K-413).
 * @throws {LinuxError} EINVAL: a position other than 0, 8 bytes or more, or neither word
 * @throws {LinuxError} EPERM: "allow" after "deny", or "deny" after the gid_map was written
 * @see kernel/user_namespace.c, proc_setgroups_write()
 */
export function writeSetgroups(ns: UserNamespace, text: string, pos = 0): void {
  const match = /^(allow|deny)[\t-\r \u00a0]*$/.exec(text.split('\0')[0] ?? '');
  if (pos !== 0 || text.length >= 8 || match === null) fail(EINVAL);
  if (match[1] === 'allow') {
    if (!ns.setgroupsAllowed) fail(EPERM);
    return;
  }
  if (ns.gidMap !== null) fail(EPERM);
  ns.setgroupsAllowed = false;
}

/**
 * Tells whether a task may open /proc/PID/setgroups for writing; the file answers EACCES otherwise.
 * @see kernel/user_namespace.c, proc_setgroups_open()
 */
export function mayOpenSetgroups(task: TaskStruct, ns: UserNamespace): boolean {
  return capable(task, ns, CAP_SYS_ADMIN);
}
