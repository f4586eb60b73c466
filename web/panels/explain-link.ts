// The explainer's question in the address bar: ask=12.mm_access.1.none.x;1000.1000.1000.1000.1000.1000.0.0;…
import type { AccessAsked } from '../worker/explain.js';
import type { AccessSettings, Identity, Relation } from '../worker/explain-world.js';

/** What the panel shows. */
export interface ExplainLink {
  readonly settings: AccessSettings;
  readonly asked: AccessAsked;
}

const RELATIONS: readonly Relation[] = ['none', 'parent', 'declared', 'thread'];
const CAPS = 41;
/** -1 as an unsigned number means no id. */
const MAX_ID = 0xfffffffe;

/** As text, without a character that an address bar would change. */
export function formatExplain({ settings, asked }: ExplainLink): string {
  const { caller, target, dumpable, relation, yama } = settings;
  const head = [asked.mode.toString(16), asked.question, dumpable, relation, yama ?? 'x'];
  return [head.join('.'), formatIdentity(caller), formatIdentity(target)].join(';');
}

function formatIdentity(identity: Identity): string {
  const { uid, euid, suid, fsuid, gid, fsgid, caps, ownNamespace } = identity;
  const mask = caps.reduce((bits, cap) => bits | (1n << BigInt(cap)), 0n);
  return [uid, euid, suid, fsuid, gid, fsgid, mask.toString(16), Number(ownNamespace)].join('.');
}

/** Reads it again; null for what makes no sense. */
export function parseExplain(text: string): ExplainLink | null {
  const [head = '', first = '', second = ''] = text.split(';');
  const match = /^(9|a|11|12)\.(mm_access|ptrace_may_access)\.([01])\.([a-z]+)\.([0-3x])$/.exec(
    head,
  );
  const caller = parseIdentity(first);
  const target = parseIdentity(second);
  const relation = RELATIONS.find((each) => each === match?.[4]);
  if (match === null || relation === undefined || caller === null || target === null) return null;
  const [, mode, question, dumpable, , yama] = match;
  return {
    settings: {
      caller,
      target,
      dumpable: dumpable === '1' ? 1 : 0,
      relation,
      yama: yama === 'x' ? null : (Number(yama) as 0 | 1 | 2 | 3),
    },
    asked: { mode: Number.parseInt(mode ?? '', 16), question: question as AccessAsked['question'] },
  };
}

function parseIdentity(text: string): Identity | null {
  const match = /^((?:\d{1,10}\.){6})([0-9a-f]{1,11})\.([01])$/.exec(text);
  if (match === null) return null;
  const [, numbers = '', mask = '', own] = match;
  const ids = numbers.split('.').slice(0, 6).map(Number);
  if (ids.some((id) => id > MAX_ID)) return null;
  const [uid = 0, euid = 0, suid = 0, fsuid = 0, gid = 0, fsgid = 0] = ids;
  const bits = BigInt(`0x${mask}`);
  const caps = Array.from({ length: CAPS }, (_, cap) => cap).filter(
    (cap) => ((bits >> BigInt(cap)) & 1n) !== 0n,
  );
  return { uid, euid, suid, fsuid, gid, fsgid, caps, ownNamespace: own === '1' };
}
