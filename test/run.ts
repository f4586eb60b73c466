// The test runner: each test file in a Node of its own, two at a time; one line a file, the whole
// output of those that fail, and the sum at the end. `node dist/test/run.js [PATTERN]` runs the
// files whose path contains PATTERN.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { readReport, type Report, sumReports } from './report.js';

const TEST_ROOT = fileURLToPath(new URL('.', import.meta.url));
const PARALLEL = 2;
/** Milliseconds after which a file is taken to hang. */
const TIME_LIMIT = 15 * 60 * 1000;

interface FileRun {
  /** Path below dist/test, with forward slashes, without `.test.js`. */
  readonly name: string;
  readonly output: string;
  readonly seconds: number;
  readonly report: Report;
}

/** A pattern is a part of a name; the path of a test's file, as a shell completes it, is its name. */
function findTestFiles(path: string): string[] {
  const pattern = path.replace(/^(\.\/)?(dist\/)?test\//, '').replace(/\.test\.[jt]s$/, '');
  return readdirSync(TEST_ROOT, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js'))
    .map((path) => join(TEST_ROOT, path))
    .filter((path) => testName(path).includes(pattern))
    .sort();
}

function testName(path: string): string {
  return relative(TEST_ROOT, path)
    .split(sep)
    .join('/')
    .replace(/\.test\.js$/, '');
}

function runFile(path: string): Promise<FileRun> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const alarm = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(alarm);
      const seconds = (performance.now() - started) / 1000;
      resolve({
        name: testName(path),
        output,
        seconds,
        report: readReport(output, signal ?? code),
      });
    });
  });
}

function printRun({ name, output, seconds, report }: FileRun): void {
  const failed = report.failed > 0;
  const counts = failed ? `${report.passed} passed, ${report.failed} failed` : `${report.passed}`;
  const why = report.problem === null ? '' : ` (${report.problem})`;
  const time = `${seconds.toFixed(1)} s`.padStart(8);
  console.log(`${failed ? 'FAIL' : 'ok  '} ${time}  ${name}: ${counts}${why}`);
  if (failed) console.log(output.trimEnd().replace(/^/gm, '    '));
}

async function runAll(files: readonly string[]): Promise<FileRun[]> {
  const waiting = [...files];
  const runs: FileRun[] = [];
  const work = async (): Promise<void> => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const run = await runFile(path);
      printRun(run);
      runs.push(run);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return runs;
}

const files = findTestFiles(process.argv[2] ?? '');
const runs = await runAll(files);
const said = runs.flatMap(({ report }) => [...report.notes, ...report.skips]);
console.log(['', ...said].join('\n'));
const sum = sumReports(runs.map((run) => run.report));
if (files.length === 0) console.log(`no test file matches '${process.argv[2] ?? ''}'`);
console.log(sum.line);
process.exitCode = sum.failed > 0 || files.length === 0 ? 1 : 0;
