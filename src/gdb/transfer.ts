// Documents a client reads in pieces: packets that begin with `qXfer:`.
import { EINVAL, ENOENT, ESRCH } from '../../assembly/abi/errno.js';
import { listLibraries } from '../elf/libraries.js';
import { fail } from '../errno.js';
import { rangeArgument, sizeArgument } from './arguments.js';
import { packetCount } from './memory.js';
import { asciiText, escapeBinary, hexNumber } from './packet.js';
import { targetXml } from './registers.js';
import type { SessionState } from './state.js';

/** What makes a document of an annex, the text between the colons. */
type Document = (state: SessionState, annex: string) => Uint8Array | string;

const DOCUMENTS: Readonly<Record<string, Document>> = {
  features: describeFeatures,
  auxv: (state) => state.target.auxv(state.pid()),
  'exec-file': describeExecFile,
  'libraries-svr4': describeLibraries,
  threads: describeThreads,
  siginfo: (state) => state.target.siginfo(state.thread().tid) ?? new Uint8Array(128),
  osdata: describeOs,
  'memory-map': describeMemory,
};

/**
 * Documents that the server announces. A memory map is given to those who ask, but not announced: gdb
 * reads it once and would refuse memory that is mapped later.
 */
export const ANNOUNCED_DOCUMENTS = Object.keys(DOCUMENTS).filter((name) => name !== 'memory-map');

/**
 * Answers `qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH`.
 *
 * @param request what follows `qXfer:`
 * @returns `m` and a piece, `l` and the last, or nothing for an object that is not known
 */
export function transfer(state: SessionState, request: string): string {
  const [object = '', direction, ...rest] = request.split(':');
  const make = Object.hasOwn(DOCUMENTS, object) ? DOCUMENTS[object] : undefined;
  if (make === undefined || direction !== 'read') return '';
  // An annex may hold colons, the range never does.
  const range = rest.pop() ?? fail(EINVAL);
  const annex = rest.join(':');
  const [, length] = range.split(',');
  const offset = Number(rangeArgument(range).addr);
  const count = packetCount(length);
  const data = documentOf(state, { key: `${object}:${annex}`, annex, make, again: offset > 0 });
  if (offset > data.length) fail(EINVAL);
  const piece = data.subarray(offset, offset + count);
  const kind = offset + piece.length < data.length ? 'm' : 'l';
  return kind + asciiText(escapeBinary(piece));
}

/** A document; one read from its middle on is the one whose beginning was read. */
function documentOf(
  state: SessionState,
  { key, annex, make, again }: { key: string; annex: string; make: Document; again: boolean },
): Uint8Array {
  if (again && state.transfer?.key === key) return state.transfer.data;
  const made = make(state, annex);
  const data = typeof made === 'string' ? new TextEncoder().encode(made) : made;
  state.transfer = { key, data };
  return data;
}

function describeFeatures(state: SessionState, annex: string): string {
  return annex === 'target.xml' ? targetXml(state.architecture()) : fail(ENOENT);
}

function describeExecFile(state: SessionState, annex: string): string {
  const pid = annex === '' ? state.pid() : sizeArgument(annex);
  if (!state.attached.has(pid)) fail(ESRCH);
  return state.target.execFile(pid);
}

function describeLibraries(state: SessionState): string {
  const [main, ...libraries] = listLibraries({
    auxv: state.target.auxv(state.pid()),
    read: (addr, length) => state.target.readMemory(state.pid(), addr, length),
  });
  const of = main === undefined ? '' : ` main-lm="0x${hexNumber(main.linkMap)}"`;
  const rows = libraries.map(
    ({ name, linkMap, base, dynamic }) =>
      `<library name="${xmlText(name)}" lm="0x${hexNumber(linkMap)}" ` +
      `l_addr="0x${hexNumber(base)}" l_ld="0x${hexNumber(dynamic)}" lmid="0x0"/>`,
  );
  return `<library-list-svr4 version="1.0"${of}>${rows.join('\n')}</library-list-svr4>\n`;
}

function describeThreads(state: SessionState): string {
  const rows = state
    .threads()
    .map((thread) => `<thread id="${state.nameOf(thread)}" name="${xmlText(thread.name)}"/>`);
  return `<?xml version="1.0"?>\n<threads>\n${rows.join('\n')}\n</threads>\n`;
}

function describeOs(state: SessionState, annex: string): string {
  const table = (type: string, items: readonly string[]): string =>
    `<?xml version="1.0"?>\n<!DOCTYPE target SYSTEM "osdata.dtd">\n` +
    `<osdata type="${type}">\n${items.join('\n')}\n</osdata>\n`;
  const item = (columns: readonly (readonly [name: string, value: string])[]): string =>
    `<item>${columns.map(([name, value]) => `<column name="${name}">${xmlText(value)}</column>`).join('')}</item>`;
  if (annex === '') {
    const about = 'Listing of all processes';
    return table('types', [
      item([
        ['Type', 'processes'],
        ['Description', about],
        ['Title', 'Processes'],
      ]),
    ]);
  }
  if (annex !== 'processes') return fail(ENOENT);
  const rows = state.target.processes().map(({ pid, user, command }) =>
    item([
      ['pid', String(pid)],
      ['user', user],
      ['command', command],
      ['cores', '0'],
    ]),
  );
  return table('processes', rows);
}

function describeMemory(state: SessionState): string {
  const rows = state.target.regions(state.pid()).map(({ start, end }) => {
    return `<memory type="ram" start="0x${hexNumber(start)}" length="0x${hexNumber(end - start)}"/>`;
  });
  return `<?xml version="1.0"?>\n<memory-map>\n${rows.join('\n')}\n</memory-map>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** A text inside XML; characters that no XML may have become question marks. */
function xmlText(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
    .replace(/[^\t\n\r -\ud7ff\ue000-\ufffd]/g, '?');
}
