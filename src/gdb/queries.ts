// Requests that begin with `q` or `Q`: what the server can do, and what it knows.
import { EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { checksumMemory, regionInfo, searchMemory } from './memory.js';
import { asciiBytes, hexNumber, hexOf, PACKET_SIZE } from './packet.js';
import type { SessionState } from './state.js';
import { currentThread, describeThread, listThreads, THREAD_LIST_STEP } from './threads.js';
import { ANNOUNCED_DOCUMENTS, transfer } from './transfer.js';

type Query = (state: SessionState, args: string) => string;

/** By what a request begins with; the rest is its argument. The first that fits answers. */
const QUERIES: readonly (readonly [prefix: string, answer: Query])[] = [
  ['qSupported', describeFeatures],
  ['QStartNoAckMode', startNoAck],
  ['qXfer:', transfer],
  ['qSearch:memory:', searchMemory],
  ['qCRC:', checksumMemory],
  ['qThreadExtraInfo,', describeThread],
  ['qfThreadInfo', firstThreads],
  ['qsThreadInfo', nextThreads],
  ['qAttached', isAttached],
  ['qSymbol:', () => 'OK'],
  ['qMemoryRegionInfo:', regionInfo],
  ['qHostInfo', describeHost],
  ['qProcessInfo', describeProcess],
  ['QListThreadsInStopReply', recogniseLldb],
  ['QEnableErrorStrings', () => 'OK'],
];

/** Answers a query; nothing for one that is not known. */
export function answerQuery(state: SessionState, request: string): string {
  if (request === 'qC') return currentThread(state);
  if (request === 'qMemoryRegionInfo') return 'OK';
  if (request === 'qWatchpointSupportInfo:') {
    return state.target.watch === undefined ? '' : 'num:64;';
  }
  const found = QUERIES.find(([prefix]) => request.startsWith(prefix));
  return found === undefined ? '' : found[1](state, request.slice(found[0].length));
}

function describeFeatures(state: SessionState, args: string): string {
  const offered = args.slice(1).split(';');
  state.multiprocess = offered.includes('multiprocess+');
  return [
    `PacketSize=${hexNumber(PACKET_SIZE)}`,
    'QStartNoAckMode+',
    'multiprocess+',
    'vContSupported+',
    ...ANNOUNCED_DOCUMENTS.map((name) => `qXfer:${name}:read+`),
  ].join(';');
}

function startNoAck(state: SessionState): string {
  state.noAck = true;
  return 'OK';
}

function firstThreads(state: SessionState): string {
  state.threadsListed = THREAD_LIST_STEP;
  return listThreads(state, 0);
}

function nextThreads(state: SessionState): string {
  const from = state.threadsListed;
  state.threadsListed += THREAD_LIST_STEP;
  return listThreads(state, from);
}

/** Every process was there before: a client that goes away leaves it. */
function isAttached(state: SessionState, args: string): string {
  if (args !== '' && !/^:[0-9a-fA-F]{1,8}$/.test(args)) fail(EINVAL);
  const wanted = args === '' ? null : Number.parseInt(args.slice(1), 16);
  return wanted === null || state.attached.has(wanted) ? '1' : fail(ESRCH);
}

function describeHost(state: SessionState): string {
  const triple = hexOf(asciiBytes(state.architecture().triple));
  return `triple:${triple};ptrsize:8;endian:little;ostype:linux;`;
}

function describeProcess(state: SessionState): string {
  const pid = state.pid();
  const process = state.target.processes().find((found) => found.pid === pid);
  const triple = hexOf(asciiBytes(state.architecture().triple));
  const numbers = `pid:${hexNumber(pid)};parent-pid:${hexNumber(process?.ppid ?? 0)};`;
  return `${numbers}triple:${triple};ostype:linux;endian:little;ptrsize:8;`;
}

/** Only lldb asks for this. */
function recogniseLldb(state: SessionState): string {
  state.lldb = true;
  return 'OK';
}
