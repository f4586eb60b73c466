import { EADDRNOTAVAIL, EFAULT, ENODEV, EOPNOTSUPP, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_NET_ADMIN, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { copyFromUser, copyToUser } from '../mm/user.js';
import { toU64, type U64 } from '../vfs/u64.js';
import { ARPHRD_LOOPBACK, LO_FLAGS, LO_INDEX, LO_MTU, LO_NAME, LO_QUEUE } from './lo.js';
import { AF_INET } from './socket.js';

// include/uapi/linux/sockios.h
const SIOCGIFNAME = 0x8910;
const SIOCGIFCONF = 0x8912;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFADDR = 0x8915;
const SIOCGIFDSTADDR = 0x8917;
const SIOCGIFBRDADDR = 0x8919;
const SIOCGIFNETMASK = 0x891b;
const SIOCGIFMETRIC = 0x891d;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCGIFTXQLEN = 0x8942;
const SIOCGIFMAP = 0x8970;
const SIOCETHTOOL = 0x8946;
const SIOCDEVPRIVATE = 0x89f0;
/** Those that would change a device. */
const CHANGES = new Set([
  0x8914, 0x8916, 0x8918, 0x891a, 0x891c, 0x8922, 0x8923, 0x8924, 0x8936, 0x8943, 0x890b, 0x890c,
]);

const IFNAMSIZ = 16;
/** Bytes of struct ifreq. */
const IFREQ_SIZE = 40;

/** The struct sockaddr_in of an address, at the end of a struct ifreq. */
function inetAddress(...address: number[]): Uint8Array {
  const bytes = new Uint8Array(24);
  bytes[0] = AF_INET;
  bytes.set(address, 4);
  return bytes;
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(24);
  bytes.set(new Uint8Array(Int32Array.from(values).buffer));
  return bytes;
}

/** What a call tells of lo; undefined: no such call. */
function tell(cmd: number): Uint8Array | undefined {
  switch (cmd) {
    case SIOCGIFFLAGS:
      return words(LO_FLAGS);
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
      return inetAddress(127, 0, 0, 1);
    case SIOCGIFBRDADDR:
      return inetAddress(0, 0, 0, 0);
    case SIOCGIFNETMASK:
      return inetAddress(255, 0, 0, 0);
    case SIOCGIFMETRIC:
      return words(0);
    case SIOCGIFMTU:
      return words(LO_MTU);
    case SIOCGIFHWADDR:
      return words(ARPHRD_LOOPBACK);
    case SIOCGIFINDEX:
      return words(LO_INDEX);
    case SIOCGIFTXQLEN:
      return words(LO_QUEUE);
    case SIOCGIFMAP:
      return new Uint8Array(24);
    default:
      return undefined;
  }
}

const nameBytes = (): Uint8Array => {
  const bytes = new Uint8Array(IFNAMSIZ);
  bytes.set(new TextEncoder().encode(LO_NAME));
  return bytes;
};

/** A name up to its NUL, or the colon before the name of an alias. */
function readName(request: Uint8Array): string {
  const text = String.fromCharCode(...request.subarray(0, IFNAMSIZ - 1));
  return (text.split('\0')[0] as string).split(':')[0] as string;
}

/**
 * Calls about devices that every socket takes; null: it is none of them.
 * @throws {LinuxError} ENODEV: no such device; EFAULT; EPERM: a change, without CAP_NET_ADMIN; EOPNOTSUPP: a
 *   change, for lo stays as it is; EADDRNOTAVAIL
 * @see net/core/dev_ioctl.c dev_ioctl(), net/ipv4/devinet.c devinet_ioctl()
 */
export function deviceIoctl(task: TaskStruct, cmd: number, arg: U64): number | null {
  const mm = task.mm ?? fail(EFAULT);
  if (cmd === SIOCGIFCONF) return listDevices(task, arg);
  const changes = CHANGES.has(cmd);
  const special = cmd === SIOCETHTOOL || (cmd >= SIOCDEVPRIVATE && cmd < SIOCDEVPRIVATE + 16);
  if (cmd !== SIOCGIFNAME && !special && !changes && tell(cmd) === undefined) return null;
  const request = copyFromUser(mm, arg, IFREQ_SIZE);
  if (cmd === SIOCGIFNAME) {
    if (new DataView(request.buffer).getInt32(IFNAMSIZ, true) !== LO_INDEX) fail(ENODEV);
    copyToUser(mm, arg, nameBytes());
    return 0;
  }
  if (changes && !capable(task, task.kernel.initUserNs, CAP_NET_ADMIN)) fail(EPERM);
  if (readName(request) !== LO_NAME) fail(ENODEV);
  if (changes || special) fail(EOPNOTSUPP);
  // An alias without an address of its own.
  if (cmd === SIOCGIFADDR && request.includes(0x3a)) fail(EADDRNOTAVAIL);
  request.set(tell(cmd) as Uint8Array, IFNAMSIZ);
  copyToUser(mm, arg, request);
  return 0;
}

/** SIOCGIFCONF: devices with addresses of IPv4, as many as there is room for. */
function listDevices(task: TaskStruct, arg: U64): number {
  const mm = task.mm ?? fail(EFAULT);
  const conf = copyFromUser(mm, arg, 16);
  const view = new DataView(conf.buffer, conf.byteOffset);
  const buffer = toU64(view.getBigUint64(8, true));
  const fits = view.getInt32(0, true) >= IFREQ_SIZE;
  if (buffer !== 0 && fits) {
    const entry = new Uint8Array(IFREQ_SIZE);
    entry.set(nameBytes());
    entry.set(inetAddress(127, 0, 0, 1), IFNAMSIZ);
    copyToUser(mm, buffer, entry);
  }
  view.setInt32(0, buffer === 0 || fits ? IFREQ_SIZE : 0, true);
  copyToUser(mm, arg, conf);
  return 0;
}
