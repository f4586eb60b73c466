import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { LabelPolicy, PR_ENTER_DOMAIN } from '../../examples/label-policy/label-policy.js';
import { Machine } from '../../src/machine.js';

const test = suite('examples/label-policy');

test('the example prints who may do what, and why not', () => {
  const main = fileURLToPath(new URL('../../examples/label-policy/main.js', import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [main], { encoding: 'utf8' });
  assert.is(status, 0);
  const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/).join(' '));
  for (const row of [
    'unconfined ok ok ok ok',
    'debugger ok ok ok ok',
    'monitor ok EACCES EPERM EPERM',
    'app ok ok ok ok',
    'denied the policy allows trace (examples/label-policy, ptraceAccessCheck())',
    'a child of app is in the domain app;',
    'back into debugger: EPERM;',
    'killed by monitor: EPERM',
  ]) {
    assert.ok(lines.includes(row), row);
  }
});

test('a policy with a line that is no rule is refused', () => {
  for (const line of ['allow a', 'deny a a: read', 'allow a b: read', 'allow a a: write']) {
    assert.throws(() => new LabelPolicy(['a'], line), /no rule/);
  }
});

test('TRACEME asks the policy about the parent, and unknown domains are EINVAL', async () => {
  const policy = new LabelPolicy(['a', 'b'], 'allow unconfined a: enter');
  const machine = await Machine.create({ security: [policy] });
  const parent = machine.spawn();
  const child = parent.fork();
  assert.throws(() => child.prctl(PR_ENTER_DOMAIN, 2), /EINVAL/);
  assert.throws(() => child.prctl(PR_ENTER_DOMAIN, 1), /EPERM/);
  child.prctl(PR_ENTER_DOMAIN, 0);
  policy.label(parent.struct, 'b');
  assert.is(child.syscall('ptrace', 0, 0, 0, 0), -1);
});

test.run();
