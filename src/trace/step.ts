import {
  asArg,
  asArray,
  asBytes,
  asFault,
  asHex,
  asInteger,
  asObject,
  asString,
  asU64,
  FieldError,
  type JsonObject,
} from './fields.js';
import type { CallResult, SmapsEntry, StepAction, TraceStep } from './trace.js';

const MAX_COUNT = 1 << 24;

/** The fields that say what a step does: exactly one of them stands in a step. */
const ACTIONS: Readonly<Record<string, (json: JsonObject) => StepAction>> = {
  call: asCall,
  peek: asPeek,
  poke: asPoke,
  fork: (json) => asBirth(json, 'fork'),
  thread: (json) => asBirth(json, 'thread'),
  exit: (json) => ({ kind: 'exit', code: asInteger(json['exit'], 'exit') }),
  maps: (json) => ({
    kind: 'maps',
    lines: asArray(json['maps'], 'maps').map((line) => asString(line, 'a line of maps')),
  }),
  smaps: (json) => ({
    kind: 'smaps',
    entries: asArray(json['smaps'], 'smaps').map((e) => asObject(e, 'smaps[]') as SmapsEntry),
  }),
  pagemap: asPagemap,
};

/**
 * One line of a trace as a step.
 *
 * @throws {FieldError} it is none
 */
export function asStep(json: JsonObject, line: number, source: string): TraceStep {
  const task = asString(json['task'], 'task');
  const found = Object.keys(ACTIONS).filter((action) => Object.hasOwn(json, action));
  if (found.length !== 1) {
    throw new FieldError(
      found.length === 0
        ? `no step: none of ${Object.keys(ACTIONS).join(', ')}`
        : `${found.length} steps in one line: ${found.join(', ')}`,
    );
  }
  return { line, task, action: ACTIONS[found[0]!]!(json), source };
}

function asCall(json: JsonObject): StepAction {
  const args = asArray(json['args'] ?? [], 'args').map((arg, i) => asArg(arg, `args[${i}]`));
  if (args.length > 6) throw new FieldError(`${args.length} arguments; a call has at most 6`);
  const out = json['out'];
  return {
    kind: 'call',
    name: asString(json['call'], 'call'),
    args,
    result: asResult(json),
    out: out === undefined ? null : asArray(out, 'out').map((hex, i) => asHex(hex, `out[${i}]`)),
    as: json['as'] === undefined ? null : asString(json['as'], 'as'),
  };
}

function asResult(json: JsonObject): CallResult {
  if (json['errno'] !== undefined) return { errno: asString(json['errno'], 'errno') };
  if (json['ret'] === '*') return { ret: '*' };
  if (json['ret'] === undefined) throw new FieldError('a call with neither ret nor errno');
  return { ret: asU64(json['ret'], 'ret') };
}

function asPeek(json: JsonObject): StepAction {
  const [addr, length] = asArray(json['peek'], 'peek');
  const fault = asFault(json['fault']);
  return {
    kind: 'peek',
    addr: asU64(addr, 'peek[0]'),
    length: asCount(length, 'peek[1]'),
    data: fault === null ? asHex(json['data'], 'data') : null,
    fault,
  };
}

function asPoke(json: JsonObject): StepAction {
  const [addr, hex] = asArray(json['poke'], 'poke');
  return {
    kind: 'poke',
    addr: asU64(addr, 'poke[0]'),
    bytes: asBytes(hex, 'poke[1]'),
    fault: asFault(json['fault']),
  };
}

function asBirth(json: JsonObject, kind: 'fork' | 'thread'): StepAction {
  const errno = json['errno'];
  return {
    kind,
    child: asString(json[kind], kind),
    errno: errno === undefined ? null : asString(errno, 'errno'),
  };
}

function asPagemap(json: JsonObject): StepAction {
  const [addr, count] = asArray(json['pagemap'], 'pagemap');
  return {
    kind: 'pagemap',
    addr: asU64(addr, 'pagemap[0]'),
    count: asCount(count, 'pagemap[1]'),
    bits: asHex(json['bits'], 'bits'),
  };
}

/** A count of bytes or entries; bounded, so that a hostile trace cannot exhaust memory. */
function asCount(value: unknown, what: string): number {
  const count = asInteger(value, what);
  if (count < 0 || count > MAX_COUNT)
    throw new FieldError(`${what} is ${count}, not 0 to ${MAX_COUNT}`);
  return count;
}
