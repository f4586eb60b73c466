import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';
import { parseTrace } from '../../src/trace/parse.js';
import { type Mismatch, replayTrace } from '../../src/trace/replay.js';

const test = suite('trace/replay');

const HEADER =
  '{"trace":1,"arch":"x86_64","page":4096,"tasks":["A","B"],"caps":"1fffeffffff",' +
  '"rlimits":{"AS":-1,"NOFILE":20},"sysctl":{"fs.suid_dumpable":0}}';
const MMAP =
  '{"task":"A","call":"mmap","args":["0x100000000000",8192,3,50,-1,0],"ret":17592186044416}';

async function replay(...steps: string[]): Promise<{ mismatches: Mismatch[]; matched: number }> {
  const mismatches: Mismatch[] = [];
  const trace = parseTrace([HEADER, ...steps].join('\n'), 't.jsonl');
  const result = replayTrace(trace, await Machine.create(), (mismatch) =>
    mismatches.push(mismatch),
  );
  assert.is(result.total, steps.length);
  assert.is(result.matched, steps.length - mismatches.length);
  return { mismatches, matched: result.matched };
}

/** Steps of a world, all of which match. */
const MATCHING: readonly [what: string, steps: string[]][] = [
  [
    'loads and stores, and the byte that faults',
    [
      MMAP,
      '{"task":"A","poke":["0x100000000ffe","01020304"]}',
      '{"task":"A","peek":["0x100000000ffd",6],"data":"000102030400"}',
      '{"task":"A","peek":["0x100000001ffe",3],"fault":["SIGSEGV","SEGV_MAPERR","0x100000002000"]}',
      '{"task":"A","poke":["0x100000001ffe","aabbcc"],"fault":["SIGSEGV","SEGV_MAPERR","0x100000002000"]}',
      '{"task":"A","peek":["0x100000001ffe",2],"data":"aabb"}',
    ],
  ],
  [
    'a fork, whose pid is bound',
    [
      MMAP,
      '{"task":"A","fork":"C"}',
      '{"task":"C","poke":["0x100000000000","ff"]}',
      '{"task":"A","peek":["0x100000000000",1],"data":"00"}',
      '{"task":"C","exit":3}',
      '{"task":"A","call":"wait4","args":[{"ref":"C.pid"},{"out":4},0,0],"ret":"*","as":"w","out":["00030000"]}',
    ],
  ],
  [
    'another initial task, read by pid in a path',
    [
      MMAP,
      '{"task":"A","poke":["0x100000000000","6869"]}',
      '{"task":"B","call":"openat","args":[-100,{"str":"/proc/${A.pid}/mem"},0],"ret":"*","as":"mem"}',
      '{"task":"B","call":"pread64","args":[{"ref":"mem"},{"out":3},2,"0x100000000000"],"ret":2,"out":["686900"]}',
      '{"task":"B","call":"pread64","args":[{"ref":"mem"},{"out":1},1,"0x100000008000"],"errno":"EIO","out":["00"]}',
      '{"task":"B","call":"openat","args":[-100,{"str":"/proc/1000000/mem"},0],"errno":"ENOENT","as":"no"}',
      '{"task":"B","call":"close","args":[{"ref":"no"}],"errno":"EBADF"}',
    ],
  ],
  [
    'what /proc says of the arena',
    [
      MMAP,
      '{"task":"A","poke":["0x100000000000","01"]}',
      '{"task":"A","maps":["100000000000-100000002000 rw-p 00000000"]}',
      '{"task":"A","smaps":[{"range":"100000000000-100000002000","Size":8,"Rss":4,"Anonymous":4}]}',
      '{"task":"A","pagemap":["0x100000000000",2],"bits":"8100"}',
    ],
  ],
  [
    'a thread, which shares the memory',
    [
      MMAP,
      '{"task":"A","thread":"T"}',
      '{"task":"T","poke":["0x100000000000","07"]}',
      '{"task":"A","peek":["0x100000000000",1],"data":"07"}',
      '{"task":"T","call":"setuid","args":[1000],"ret":0}',
      '{"task":"A","call":"geteuid","args":[],"ret":0}',
    ],
  ],
  [
    'the limits and capabilities of the header',
    [
      '{"task":"A","call":"prlimit64","args":[0,7,0,{"out":16}],"ret":0,"out":["14000000000000001400000000000000"]}',
      '{"task":"A","call":"prctl","args":[23,24],"ret":0}',
      '{"task":"A","call":"prctl","args":[23,23],"ret":1}',
    ],
  ],
  [
    'positions beyond 2^53, and errors that are none',
    [
      '{"task":"A","call":"openat","args":[-100,{"str":"/proc/self/mem"},2],"ret":"*","as":"mem"}',
      '{"task":"A","call":"lseek","args":[{"ref":"mem"},"0xffffffffff600000",0],"ret":-10485760}',
      '{"task":"A","call":"lseek","args":[{"ref":"mem"},"0x8000000000000000",0],"ret":"0x8000000000000000"}',
      '{"task":"A","call":"lseek","args":[{"ref":"mem"},-1,0],"errno":"EPERM"}',
    ],
  ],
  [
    'a zombie that nobody waits for',
    [
      '{"task":"B","exit":0}',
      '{"task":"A","call":"kill","args":[{"ref":"B.pid"},0],"ret":0}',
      '{"task":"A","call":"openat","args":[-100,{"str":"/proc/${B.pid}/mem"},0],"errno":"ESRCH"}',
      '{"task":"B","maps":[]}',
    ],
  ],
];

for (const [what, steps] of MATCHING) {
  test(`matches ${what}`, async () => {
    assert.equal((await replay(...steps)).mismatches, []);
  });
}

/** One step that differs from this machine, and what is reported. */
const DIFFERING: readonly [step: string, expected: string, got: string][] = [
  ['{"task":"A","call":"getuid","args":[],"ret":5}', '5', '0'],
  ['{"task":"A","call":"close","args":[9],"ret":0}', '0', 'EBADF'],
  ['{"task":"A","call":"close","args":[9],"errno":"EINVAL"}', 'EINVAL', 'EBADF'],
  ['{"task":"A","call":"close","args":[9],"ret":"*"}', 'success', 'EBADF'],
  ['{"task":"A","call":"io_uring_setup","args":[],"errno":"EFAULT"}', 'EFAULT', 'ENOSYS'],
  ['{"task":"A","peek":["0x100000000000",2],"data":"0001"}', '0001', '0000'],
  [
    '{"task":"A","poke":["0x100000000000","01"],"fault":["SIGSEGV","SEGV_ACCERR","0x100000000000"]}',
    'SIGSEGV SEGV_ACCERR 0x100000000000',
    'no fault',
  ],
  ['{"task":"A","maps":[]}', '', '100000000000-100000002000 rw-p 00000000'],
  ['{"task":"A","smaps":[]}', '', 'range 100000000000-100000002000'],
  ['{"task":"A","pagemap":["0x100000000000",1],"bits":"81"}', '81', '00'],
  ['{"task":"A","fork":"C","errno":"EAGAIN"}', 'EAGAIN', 'a new task C'],
  [
    '{"task":"A","call":"getresuid","args":[{"out":4},{"out":4},{"out":4}],"ret":0,"out":["01000000","00000000","00000000"]}',
    '0, out 01000000 00000000 00000000',
    '0, out 00000000 00000000 00000000',
  ],
];

for (const [step, expected, got] of DIFFERING) {
  test(`reports ${step.slice(0, 60)}, and goes on`, async () => {
    const { mismatches, matched } = await replay(MMAP, step, '{"task":"B","exit":0}');
    assert.is(matched, 2);
    assert.equal(mismatches, [{ file: 't.jsonl', line: 3, step, expected, got }]);
  });
}

test('a step of a task that has exited cannot match', async () => {
  const { mismatches } = await replay(
    '{"task":"B","exit":0}',
    '{"task":"B","peek":["0x100000000000",1],"data":"00"}',
  );
  assert.is(mismatches[0]?.got, 'it has exited');
});

test('a step of a task whose fork failed here cannot match', async () => {
  const { mismatches } = await replay(
    '{"task":"A","call":"setrlimit","args":[6,{"in":"00000000000000000000000000000000"}],"ret":0}',
    '{"task":"A","call":"setresuid","args":[1000,1000,1000],"ret":0}',
    '{"task":"A","fork":"C"}',
    '{"task":"C","call":"getpid","args":[],"ret":"*"}',
  );
  assert.equal(
    mismatches.map(({ line, got }) => [line, got]),
    [
      [4, 'EAGAIN'],
      [5, 'its fork failed'],
    ],
  );
});

test('arguments beyond the scratch mapping are no trace', async () => {
  const out = '{"out":1048576}';
  const machine = await Machine.create();
  const trace = parseTrace(
    `${HEADER}\n{"task":"A","call":"x","args":[${out},${out}],"ret":0}`,
    't.jsonl',
  );
  assert.throws(() => replayTrace(trace, machine), /^t\.jsonl:2: args: more than/);
});

test('names in sysctl and rlimits that the machine does not have are given back', async () => {
  const header = '{"trace":1,"tasks":["A"],"sysctl":{"vm.swappiness":1},"rlimits":{"AS":-1,"X":0}}';
  const { ignored } = replayTrace(parseTrace(header), await Machine.create());
  assert.equal(ignored, ['sysctl.vm.swappiness', 'rlimits.X']);
});

test('a header with a setting that no machine accepts is no trace', async () => {
  const trace = parseTrace('{"trace":1,"tasks":["A"],"sysctl":{"fs.suid_dumpable":7}}', 't.jsonl');
  const machine = await Machine.create();
  assert.throws(() => replayTrace(trace, machine), /^t\.jsonl:1: no machine can be made of/);
});

test.run();
