import { ENODEV, EOPNOTSUPP, EPERM } from '../../assembly/abi/errno.js';
import { CAP_NET_ADMIN, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { addressBytes, LOOPBACK4, LOOPBACK6 } from './inet-address.js';
import {
  ARPHRD_LOOPBACK,
  IFF_LOWER_UP,
  LO_FLAGS,
  LO_INDEX,
  LO_MTU,
  LO_NAME,
  LO_QUEUE,
} from './lo.js';
import type { NetNamespace } from './net-namespace.js';
import {
  aligned,
  attribute,
  join,
  NLM_F_DUMP,
  type Request,
  type Told,
  u8,
} from './netlink-message.js';
import { intBytes } from './sock-options.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from './socket.js';

// include/uapi/linux/rtnetlink.h
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
/** Types come in fours, new, delete, get and set, up to this one. */
const RTM_KIND_GET = 2;
const RTM_LAST = 122;

const IFA_F_PERMANENT = 0x80;
const RT_SCOPE_HOST = 254;
const RT_SCOPE_LINK = 253;
const RT_TABLE_LOCAL = 255;
const RTN_LOCAL = 2;
const RTN_BROADCAST = 3;
const RTPROT_KERNEL = 2;
const FOREVER = 0xffffffff;

const name = new TextEncoder().encode(`${LO_NAME}\0`);

/** lo as a link (net/core/rtnetlink.c rtnl_fill_ifinfo()). */
function link({ packets, bytes: sum }: NetNamespace): Uint8Array {
  const head = new Uint8Array(16);
  const view = new DataView(head.buffer);
  view.setUint16(2, ARPHRD_LOOPBACK, true);
  view.setInt32(4, LO_INDEX, true);
  view.setUint32(8, LO_FLAGS | IFF_LOWER_UP, true);
  const counts64 = new BigUint64Array(25);
  const counts = new Uint32Array(24);
  [packets, packets, sum, sum].forEach((value, i) => {
    counts64[i] = BigInt(value);
    counts[i] = value;
  });
  const ethernet = new Uint8Array(6);
  return join([
    head,
    attribute(3, name), // IFLA_IFNAME
    attribute(13, intBytes(LO_QUEUE)), // TXQLEN
    attribute(16, u8(0)), // OPERSTATE: unknown
    attribute(17, u8(0)), // LINKMODE
    attribute(4, intBytes(LO_MTU)), // MTU
    attribute(50, intBytes(0)), // MIN_MTU
    attribute(51, intBytes(0)), // MAX_MTU
    attribute(27, intBytes(0)), // GROUP
    attribute(30, intBytes(0)), // PROMISCUITY
    attribute(31, intBytes(1)), // NUM_TX_QUEUES
    attribute(32, intBytes(1)), // NUM_RX_QUEUES
    attribute(33, u8(1)), // CARRIER
    attribute(35, intBytes(0)), // CARRIER_CHANGES
    attribute(39, u8(0)), // PROTO_DOWN
    attribute(1, ethernet), // ADDRESS
    attribute(2, ethernet), // BROADCAST
    attribute(23, new Uint8Array(counts64.buffer)), // STATS64
    attribute(7, new Uint8Array(counts.buffer)), // STATS
    attribute(6, new TextEncoder().encode('noqueue\0')), // QDISC
  ]);
}

/** An address of lo (net/ipv4/devinet.c inet_fill_ifaddr(), net/ipv6/addrconf.c inet6_fill_ifaddr()). */
function address(family: number): Uint8Array {
  const v4 = family === AF_INET;
  const head = new Uint8Array(8);
  head.set([family, v4 ? 8 : 128, IFA_F_PERMANENT, RT_SCOPE_HOST, LO_INDEX]);
  const bytes = addressBytes(v4 ? LOOPBACK4 : LOOPBACK6);
  return join([
    head,
    attribute(1, bytes), // IFA_ADDRESS
    ...(v4 ? [attribute(2, bytes), attribute(3, name)] : []), // LOCAL, LABEL
    attribute(8, intBytes(IFA_F_PERMANENT)), // FLAGS
    attribute(6, intBytes(FOREVER, FOREVER, 0, 0)), // CACHEINFO
  ]);
}

/** A route of the local table; there is no other. */
interface Route {
  readonly family: number;
  readonly to: string;
  readonly length: number;
  readonly type: number;
  readonly scope: number;
}

const V4 = '00000000000000000000ffff';
const ROUTES: readonly Route[] = [
  { family: AF_INET, to: `${V4}7f000000`, length: 8, type: RTN_LOCAL, scope: RT_SCOPE_HOST },
  { family: AF_INET, to: `${V4}7f000001`, length: 32, type: RTN_LOCAL, scope: RT_SCOPE_HOST },
  { family: AF_INET, to: `${V4}7fffffff`, length: 32, type: RTN_BROADCAST, scope: RT_SCOPE_LINK },
  { family: AF_INET6, to: LOOPBACK6, length: 128, type: RTN_LOCAL, scope: 0 },
];

/** @see net/ipv4/fib_semantics.c fib_dump_info(), net/ipv6/route.c rt6_fill_node() */
function routeBody({ family, to, length, type, scope }: Route): Uint8Array {
  const head = new Uint8Array(12);
  head.set([family, length, 0, 0, RT_TABLE_LOCAL, RTPROT_KERNEL, scope, type]);
  const v4 = family === AF_INET;
  return join([
    head,
    attribute(15, intBytes(RT_TABLE_LOCAL)), // RTA_TABLE
    attribute(1, addressBytes(to)), // DST
    // PREFSRC, or PRIORITY
    v4 ? attribute(7, addressBytes(LOOPBACK4)) : attribute(6, intBytes(0)),
    attribute(4, intBytes(LO_INDEX)), // OIF
    ...(v4 ? [] : [attribute(20, u8(0))]), // PREF
  ]);
}

/** What a request for all of a kind is told. */
function dump(net: NetNamespace, { type, body }: Request): Told {
  const family = body[0] ?? AF_UNSPEC;
  const wanted = (each: number): boolean => family === AF_UNSPEC || family === each;
  switch (type) {
    case RTM_GETLINK:
      return { kind: RTM_NEWLINK, all: [link(net)] };
    case RTM_GETADDR:
      return { kind: RTM_NEWADDR, all: [AF_INET, AF_INET6].filter(wanted).map(address) };
    case RTM_GETROUTE:
      return {
        kind: RTM_NEWROUTE,
        all: ROUTES.filter((each) => wanted(each.family)).map(routeBody),
      };
    default:
      return { kind: type, all: [] };
  }
}

/** Whether a request for one link asks for lo, by its number or its name. */
function namesLo(body: Uint8Array): boolean {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (body.length < 16) return false;
  const index = view.getInt32(4, true);
  if (index !== 0) return index === LO_INDEX;
  for (let at = 16; at + 4 <= body.length;) {
    const length = view.getUint16(at, true);
    if (length < 4) return false;
    // IFLA_IFNAME or IFLA_ALT_IFNAME
    const asked = String.fromCharCode(...body.subarray(at + 4, at + length)).split('\0')[0];
    if ([3, 53].includes(view.getUint16(at + 2, true)) && asked === LO_NAME) return true;
    at += aligned(length);
  }
  return false;
}

/** What a request that is no dump is told. */
function single(task: TaskStruct, net: NetNamespace, { type, body }: Request): Told {
  if (type === RTM_GETLINK) return namesLo(body) ? { kind: RTM_NEWLINK, one: link(net) } : ENODEV;
  const changes = (type & 3) !== RTM_KIND_GET;
  if (changes && !capable(task, task.kernel.initUserNs, CAP_NET_ADMIN)) return EPERM;
  return EOPNOTSUPP;
}

/**
 * What is told of lo, its addresses and its routes; none of it can be changed.
 * @see net/core/rtnetlink.c rtnetlink_rcv_msg()
 */
export function tellRoute(task: TaskStruct, net: NetNamespace, request: Request): Told {
  const { type, flags } = request;
  if (type > RTM_LAST) return EOPNOTSUPP;
  const dumps = (type & 3) === RTM_KIND_GET && (flags & NLM_F_DUMP) !== 0;
  return dumps ? dump(net, request) : single(task, net, request);
}
