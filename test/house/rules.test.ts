import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { describeFindings, findAll, type Finding, listFiles, readText } from './tree.js';

/** The page that says what each number means. */
const PAGE = 'docs/linux.md';

/** A rule's number, as comments, tests and the page cite it. */
const NUMBER = /\bK-\d+/;

/** One row of a table of the page: the cells between the bars. */
interface Rule {
  readonly at: string;
  readonly number: string;
  readonly cells: readonly string[];
}

function readRules(path: string, page: string): Rule[] {
  return findAll(path, page, /^\| *K-\d+ *\|.*$/m).map(({ at, what }) => {
    const cells = what.split(/(?<!\\)\|/).map((cell) => cell.trim());
    return { at, number: cells[1] ?? '', cells: cells.slice(2, -1) };
  });
}

/** Citations of numbers that no row of the page defines. */
function findUndefined(path: string, text: string, rules: readonly Rule[]): Finding[] {
  const defined = new Set(rules.map(({ number }) => number));
  return findAll(path, text, NUMBER).filter(({ what }) => !defined.has(what));
}

function findRepeated(rules: readonly Rule[]): Finding[] {
  const seen = new Set<string>();
  return rules.flatMap(({ at, number }) => {
    if (seen.has(number)) return [{ at, what: `${number} is defined a second time` }];
    seen.add(number);
    return [];
  });
}

const names = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

/** The files that a row of four cells names: where the rule is in the code, and what pins it. */
function namedFiles({ cells }: Rule): string[] {
  if (cells.length !== 3) return [];
  const [, code = '', pins = ''] = cells;
  const generators = /traces: ([a-z, ]+)/.exec(pins)?.[1]?.split(', ') ?? [];
  return [
    ...names(code).map((name) => (name.startsWith('assembly/') ? name : `src/${name}`)),
    ...names(pins).map((name) => `test/${name}.test.ts`),
    ...generators.map((name) => `test/linux/traces/${name}-`),
  ];
}

/** Names that lead to nothing; the name of a trace goes on with its seed. */
function findGone(rules: readonly Rule[], files: readonly string[]): Finding[] {
  const exists = (name: string): boolean =>
    files.some((file) => (name.endsWith('-') ? file.startsWith(name) : file === name));
  return rules.flatMap((rule) =>
    namedFiles(rule)
      .filter((name) => !exists(name))
      .map((name) => ({ at: rule.at, what: `${rule.number} names ${name}, which is not there` })),
  );
}

/** Rows of four cells that name no code, or neither a test nor a trace. */
function findLoose(rules: readonly Rule[]): Finding[] {
  const named = (cell = ''): boolean => names(cell).length > 0 || cell.includes('traces: ');
  return rules
    .filter(({ cells }) => cells.length === 3 && !(named(cells[1]) && named(cells[2])))
    .map(({ at, number }) => ({ at, what: `${number} is pinned by nothing` }));
}

const files = listFiles();
const rules = readRules(PAGE, readText(PAGE));
const test = suite('house/rules');

test('every rule that the code and its tests cite is defined', () => {
  const citing = files.filter((path) => /^(src|assembly|test|docs)\/.*\.(ts|c|h|md)$/.test(path));
  const findings = citing.flatMap((path) => findUndefined(path, readText(path), rules));
  assert.is(describeFindings(findings), '');
  assert.ok(rules.length > 0);
});

test('every rule is defined once', () => {
  assert.is(describeFindings(findRepeated(rules)), '');
});

test('the files that the rules name are there', () => {
  assert.is(describeFindings(findGone(rules, files)), '');
});

test('every rule says where it is in the code, and what pins it', () => {
  assert.is(describeFindings(findLoose(rules)), '');
});

const fake = (digits: number): string => `K-${digits}`;
const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;
const SAMPLE = ['# Rules', '', row(fake(901), 'a', '`mm/a.ts`', '`mm/a`, traces: one, two')].join(
  '\n',
);

test('a number that no row defines is found, with its line', () => {
  const text = `// as in ${fake(901)}\n\n/** ${fake(902)}, ${fake(9010)} */`;
  assert.equal(findUndefined('src/a.ts', text, readRules('p.md', SAMPLE)), [
    { at: 'src/a.ts:3', what: fake(902) },
    { at: 'src/a.ts:3', what: fake(9010) },
  ]);
});

test('a number in running text defines nothing', () => {
  assert.is(readRules('p.md', `${fake(901)} is a rule | of a sort |`).length, 0);
});

test('a second row of a number is found', () => {
  const twice = readRules('p.md', `${SAMPLE}\n${row(fake(901), 'b', '', '')}`);
  assert.equal(findRepeated(twice), [
    { at: 'p.md:4', what: `${fake(901)} is defined a second time` },
  ]);
});

test('a file that a row names and that is gone is found', () => {
  const present = ['src/mm/a.ts', 'test/linux/traces/one-1.jsonl.gz'];
  assert.equal(
    findGone(readRules('p.md', SAMPLE), present).map(({ what }) => what.split(' ')[2]),
    ['test/mm/a.test.ts,', 'test/linux/traces/two-,'],
  );
});

test('a rule that nothing pins is found', () => {
  const loose = row(fake(902), 'b', '`mm/b.ts`', '—');
  assert.equal(
    findLoose(readRules('p.md', `${SAMPLE}\n${loose}`)).map(({ at }) => at),
    ['p.md:4'],
  );
});

test.run();
