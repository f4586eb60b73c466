import { asArray, asInteger, asObject, asString, FieldError, type JsonObject } from './fields.js';
import { namesBound, namesIn } from './names.js';
import { asStep } from './step.js';
import type { Trace, TraceHeader, TraceStep } from './trace.js';

/** The text is no trace; the message is one line: file, line, what is wrong. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;

  constructor(file: string, line: number, what: string) {
    super(`${file}:${line}: ${what}`);
    this.file = file;
    this.line = line;
  }
}

/** Capabilities of a header that names none: CAP_CHOWN to CAP_CHECKPOINT_RESTORE. */
const ALL_CAPS = (1n << 41n) - 1n;
const MAX_SNIPPET = 60;

/**
 * Parses the text of a kernel trace (version 1).
 *
 * @param text the JSON Lines
 * @param file the name that messages give
 * @throws {TraceError} a line is no JSON, or not what the format says
 */
export function parseTrace(text: string, file = 'trace'): Trace {
  if (typeof text !== 'string') throw new TypeError('text: not a string');
  const lines = text.split('\n');
  const header = parseLine(file, 1, lines[0] ?? '', asHeader);
  const scope = new TraceScope(header.tasks);
  const steps: TraceStep[] = [];
  for (let i = 1; i < lines.length; i++) {
    const source = lines[i]!.trimEnd();
    if (source === '') continue;
    steps.push(parseLine(file, i + 1, source, (json) => scope.check(asStep(json, i + 1, source))));
  }
  return { file, header, steps };
}

function parseLine<T>(
  file: string,
  line: number,
  source: string,
  read: (json: JsonObject) => T,
): T {
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch {
    throw new TraceError(
      file,
      line,
      `not JSON: ${source === '' ? 'an empty line' : snippet(source)}`,
    );
  }
  try {
    return read(asObject(json, 'the line'));
  } catch (error) {
    if (error instanceof FieldError) throw new TraceError(file, line, error.message);
    throw error;
  }
}

/** The start of a line that may be anything: a dot stands for what is no printable character. */
function snippet(source: string): string {
  const start = source.slice(0, MAX_SNIPPET).replace(/[\p{C}\ufffd]/gu, '.');
  return `"${start}${source.length > MAX_SNIPPET ? '…' : ''}"`;
}

function asHeader(json: JsonObject): TraceHeader {
  if (json['trace'] !== 1) throw new FieldError('not a header of a version 1 trace ("trace":1)');
  if (json['page'] !== undefined && json['page'] !== 4096) throw new FieldError('page is not 4096');
  const arch = asString(json['arch'] ?? 'x86_64', 'arch');
  if (arch !== 'x86_64') throw new FieldError(`arch is ${snippet(arch)}, not "x86_64"`);
  const tasks = asArray(json['tasks'], 'tasks').map((name) => asString(name, 'a task name'));
  if (tasks.length === 0) throw new FieldError('tasks is empty');
  if (new Set(tasks).size !== tasks.length) throw new FieldError('tasks names a task twice');
  return {
    title: asString(json['title'] ?? '', 'title'),
    arch,
    kernel: asString(json['kernel'] ?? '', 'kernel'),
    tasks,
    caps: json['caps'] === undefined ? ALL_CAPS : asMask(json['caps']),
    rlimits: asNumbers(json['rlimits'], 'rlimits'),
    sysctl: asNumbers(json['sysctl'], 'sysctl'),
  };
}

function asMask(value: unknown): bigint {
  const hex = asString(value, 'caps').replace(/^0x/, '');
  if (!/^[0-9a-f]{1,16}$/i.test(hex)) throw new FieldError('caps is not a hex mask');
  return BigInt(`0x${hex}`);
}

function asNumbers(value: unknown, what: string): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [name, number] of Object.entries(asObject(value ?? {}, what))) {
    numbers[name] = asInteger(number, `${what}.${name}`);
  }
  return numbers;
}

/** The names that earlier lines brought into being. */
class TraceScope {
  readonly #tasks: Set<string>;
  readonly #names: Set<string>;

  constructor(tasks: readonly string[]) {
    this.#tasks = new Set(tasks);
    this.#names = new Set(tasks.flatMap((task) => [`${task}.pid`, `${task}.tid`]));
  }

  /** `step`, whose names are all known. @throws {FieldError} one is not */
  check(step: TraceStep): TraceStep {
    const { task, action } = step;
    if (!this.#tasks.has(task)) throw new FieldError(`no task ${JSON.stringify(task)} so far`);
    for (const name of action.kind === 'call' ? action.args.flatMap(namesIn) : []) {
      if (!this.#names.has(name)) throw new FieldError(`nothing bound to ${JSON.stringify(name)}`);
    }
    for (const name of namesBound(action)) this.#names.add(name);
    if (action.kind === 'fork' || action.kind === 'thread') this.#tasks.add(action.child);
    return step;
  }
}
