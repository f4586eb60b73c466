import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';

const test = suite('kernel/loadavg');

async function boot() {
  const clock = { now: 0 };
  const machine = await Machine.create({ now: () => clock.now });
  const tasks = [machine.spawn(), machine.spawn()];
  const line = (): string => tasks[0]?.readText('/proc/loadavg') ?? '';
  return { clock, machine, tasks, line };
}

test('two that run drive the averages up as in Linux, look by look', async () => {
  const { clock, line } = await boot();
  assert.is(line(), '0.00 0.00 0.00 2/3 3\n');
  const seen: string[] = [];
  for (let look = 1; look <= 24; look++) {
    clock.now = look * 5004;
    const [one = ''] = line().split(' ');
    if ([1, 2, 12, 24].includes(look)) seen.push(one);
  }
  // calc_load() by hand: 2 (1 - e^(-look / 12)), in steps of 1/2048.
  assert.equal(seen, ['0.16', '0.31', '1.27', '1.73']);
});

test('time in which nobody looked was idle', async () => {
  const { clock, line } = await boot();
  for (let look = 1; look <= 120; look++) {
    clock.now = look * 5004;
    line();
  }
  assert.match(line(), /^2\.00 1\.7\d 0\.9\d /);
  clock.now += 3_600_000;
  assert.match(line(), /^0\.16 0\.03 0\.0\d /);
});

test('who sleeps does not count, and a number given last is told', async () => {
  const { machine, tasks, line } = await boot();
  const sleeper = machine.spawn();
  const place = Number(sleeper.mmap({ length: 4096, prot: 3 }));
  sleeper.store64(place, 100n);
  assert.is(machine.syscall(sleeper, 'nanosleep', [place, 0]), -512);
  assert.is(line(), '0.00 0.00 0.00 2/4 4\n');
  assert.match(tasks[0]?.readText('/proc/4/status') ?? '', /State:\tS \(sleeping\)\n/);
  sleeper.exit();
});

test.run();
