import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { parseTrace, TraceError } from '../../src/trace/parse.js';

const test = suite('trace/parse');

const HEADER = '{"trace":1,"arch":"x86_64","page":4096,"tasks":["A","B"],"caps":"1fffeffffff"}';

function parse(...lines: string[]) {
  return parseTrace([HEADER, ...lines].join('\n'), 'x.jsonl');
}

test('reads the header and ignores fields it does not know', () => {
  const header = parseTrace(
    '{"trace":1,"page":4096,"tasks":["A"],"title":"t","caps":"3","rlimits":{"AS":-1},"colour":7}',
  ).header;
  assert.equal(header.tasks, ['A']);
  assert.is(header.title, 't');
  assert.is(header.caps, 3n);
  assert.equal(header.rlimits, { AS: -1 });
});

test('reads a call with every form of argument', () => {
  const { steps } = parse(
    '{"task":"A","call":"getpid","args":[],"ret":"*","as":"me"}',
    '{"task":"A","call":"x","args":[-1,"0xff",{"str":"/proc/${B.pid}"},{"in":"AB"},' +
      '{"out":3},{"iov":[[{"ref":"me"},"0x10"]]}],"errno":"EIO","out":["000000"]}',
  );
  const action = steps[1]!.action;
  assert.is(action.kind, 'call');
  if (action.kind !== 'call') return;
  assert.equal(
    action.args.map((arg) => arg.kind),
    ['value', 'value', 'str', 'in', 'out', 'iov'],
  );
  assert.equal(action.args[0], { kind: 'value', value: (1n << 64n) - 1n });
  assert.equal(action.result, { errno: 'EIO' });
  assert.equal(action.out, ['000000']);
  assert.is(steps[1]!.line, 3);
});

test('takes an empty last line and a carriage return for what they are', () => {
  assert.is(parse('{"task":"A","exit":0}\r', '').steps.length, 1);
});

test('lets a later task act and its pid be used once fork has named it', () => {
  assert.is(
    parse(
      '{"task":"A","fork":"C"}',
      '{"task":"C","call":"kill","args":[{"ref":"C.tid"},0],"ret":0}',
    ).steps.length,
    2,
  );
});

const BROKEN: readonly [what: string, line: string, message: RegExp][] = [
  ['no JSON', 'hello', /^x\.jsonl:2: not JSON: "hello"$/],
  ['half a line', '{"task":"A","call":', /^x\.jsonl:2: not JSON/],
  ['an array', '[]', /^x\.jsonl:2: the line is not an object$/],
  ['no task', '{"exit":0}', /task is not a string/],
  ['an unknown task', '{"task":"Z","exit":0}', /no task "Z" so far/],
  ['no step', '{"task":"A"}', /no step: none of call, peek/],
  ['two steps', '{"task":"A","exit":0,"fork":"C"}', /2 steps in one line: fork, exit/],
  ['no result', '{"task":"A","call":"getpid"}', /neither ret nor errno/],
  ['a fraction', '{"task":"A","call":"x","args":[0.5],"ret":0}', /args\[0\] is neither/],
  ['too much hex', '{"task":"A","call":"x","args":["0x10000000000000000"],"ret":0}', /args\[0\]/],
  ['seven arguments', '{"task":"A","call":"x","args":[0,0,0,0,0,0,0],"ret":0}', /at most 6/],
  ['an unknown form', '{"task":"A","call":"x","args":[{"ptr":1}],"ret":0}', /none of the forms/],
  ['an unbound name', '{"task":"A","call":"x","args":[{"ref":"fd"}],"ret":0}', /bound to "fd"/],
  ['an unbound pid', '{"task":"A","call":"x","args":[{"str":"${C.pid}"}],"ret":0}', /"C\.pid"/],
  ['odd hex', '{"task":"A","poke":["0x0","abc"]}', /poke\[1\] is not an even number/],
  ['a huge buffer', '{"task":"A","call":"x","args":[{"out":99999999}],"ret":0}', /args\[0\]\.out/],
  ['a huge peek', '{"task":"A","peek":[0,999999999],"data":""}', /peek\[1\] is 999999999/],
  ['a negative peek', '{"task":"A","peek":[0,-1],"data":""}', /peek\[1\] is -1/],
  ['a lame iov', '{"task":"A","call":"x","args":[{"iov":[[0]]}],"ret":0}', /\[base, length\]/],
];

for (const [what, line, message] of BROKEN) {
  test(`${what}: one line names the file, the line and what is wrong`, () => {
    assert.throws(
      () => parse(line),
      (error: unknown) =>
        error instanceof TraceError && message.test(error.message) && !error.message.includes('\n'),
    );
  });
}

const BROKEN_HEADERS: readonly [header: string, message: RegExp][] = [
  ['', /^trace:1: not JSON: an empty line$/],
  ['{}', /not a header of a version 1 trace/],
  ['{"trace":2,"tasks":["A"]}', /version 1/],
  ['{"trace":1,"tasks":["A"],"arch":"aarch64"}', /arch is "aarch64", not "x86_64"/],
  ['{"trace":1}', /tasks is not an array/],
  ['{"trace":1,"tasks":[]}', /tasks is empty/],
  ['{"trace":1,"tasks":["A","A"]}', /twice/],
  ['{"trace":1,"tasks":["A"],"page":16384}', /page is not 4096/],
  ['{"trace":1,"tasks":["A"],"caps":"xyz"}', /caps is not a hex mask/],
  ['{"trace":1,"tasks":["A"],"rlimits":{"AS":"big"}}', /rlimits\.AS is not an integer/],
];

for (const [header, message] of BROKEN_HEADERS) {
  test(`the header ${header || '(empty)'} is refused in line 1`, () => {
    assert.throws(() => parseTrace(header), message);
  });
}

test.run();
