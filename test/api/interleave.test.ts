import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { interleave, interleavings, type Race, type RaceActor } from '../../src/api/interleave.js';

const test = suite('api/interleave');

/** Adds to a list, a letter a step. */
function* letters(list: string[], word: string): RaceActor<string> {
  for (const letter of word) {
    list.push(letter);
    yield;
  }
  return word;
}

/** All orders of a race of letters, as the list they make. */
async function orders(...words: string[]): Promise<string[]> {
  const found: string[] = [];
  let list: string[] = [];
  const setup = (): Race => {
    list = [];
    return Object.fromEntries(words.map((word) => [word, letters(list, word)]));
  };
  for await (const run of interleavings(setup)) found.push(`${list.join('')}:${run.steps.join()}`);
  return found;
}

test('a schedule says who takes each step; where it ends the first goes on', () => {
  const list: string[] = [];
  const race = { ab: letters(list, 'ab'), xy: letters(list, 'xy') };
  const { steps, results } = interleave(race, ['xy', 'ab', 'xy']);
  assert.is(list.join(''), 'xayb');
  assert.equal(steps, ['xy', 'ab', 'xy', 'ab', 'ab', 'xy']);
  assert.equal(results, { ab: 'ab', xy: 'xy' });
});

test('a seed gives one order, again and again, and its steps are a schedule of it', () => {
  const race = (list: string[]): Race => ({ a: letters(list, 'abcd'), b: letters(list, 'wxyz') });
  const [one, two, three] = [[], [], []] as [string[], string[], string[]];
  const { steps } = interleave(race(one), { seed: 5 });
  interleave(race(two), { seed: 5 });
  interleave(race(three), steps);
  assert.equal([two, three], [one, one]);
  const others = Array.from({ length: 20 }, (_, seed) => {
    const list: string[] = [];
    interleave(race(list), { seed });
    return list.join('');
  });
  assert.ok(new Set(others).size > 10);
});

/** Binomial and multinomial numbers: a word of n letters takes n + 1 steps. */
const COUNTS: readonly (readonly [string[], number])[] = [
  [[], 1],
  [['a'], 1],
  [['a', 'b'], 6],
  [['ab', 'x'], 10],
  [['ab', 'xy'], 20],
  [['a', 'b', 'c'], 90],
];

for (const [words, count] of COUNTS) {
  test(`${words.length} actors of [${words.map((w) => w.length + 1)}] steps have ${count} orders, each once`, async () => {
    const found = await orders(...words);
    assert.is(found.length, count);
    assert.is(new Set(found).size, count);
  });
}

test('a condition holds an actor back until it is true', async () => {
  const seen: string[] = [];
  let ready = false;
  function* waiter(): RaceActor {
    yield () => ready;
    assert.ok(ready);
  }
  function* setter(): RaceActor {
    yield;
    ready = true;
  }
  const setup = (): Race => {
    ready = false;
    return { waiter: waiter(), setter: setter() };
  };
  for await (const { steps } of interleavings(setup)) seen.push(steps.map((s) => s[0]).join(''));
  assert.equal(seen, ['wssw', 'swsw', 'ssww']);
});

test('who all wait for each other are a deadlock, told with names', () => {
  function* never(): RaceActor {
    yield () => false;
  }
  assert.throws(
    () => interleave({ one: never(), two: never() }, []),
    /^deadlock after 2 steps: one, two wait/,
  );
});

test('what an actor throws reaches whoever runs the race', () => {
  function* thrower(): RaceActor {
    yield;
    throw new RangeError('mine');
  }
  assert.throws(() => interleave({ a: thrower() }, []), /^mine/);
});

test('a schedule for somebody who is not there, or has ended, is refused by the step', () => {
  const race = (): Race => ({ a: letters([], '') });
  assert.throws(
    () => interleave(race(), ['b']),
    /^schedule: step 0 is for "b", who is not one of a/,
  );
  const two = { a: letters([], ''), b: letters([], 'x') };
  assert.throws(() => interleave(two, ['a', 'a']), /^schedule: step 1 is for "a"/);
  assert.throws(() => interleave(race(), { seed: -1 }), /^seed: -1/);
  assert.throws(() => interleave({ a: 5 } as never, []), /^race.a.next: not a function/);
});

test.run();
