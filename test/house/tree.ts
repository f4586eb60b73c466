// The project's own files, as the tests of the house read them.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of package.json; the tests run from dist/test/house/. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Where a rule is broken: `path:line`, and what was found there. */
export interface Finding {
  readonly at: string;
  readonly what: string;
}

/** Every file that is tracked or about to be, with forward slashes, relative to ROOT. */
export function listFiles(): string[] {
  const git = spawnSync('git', ['ls-files', '-z', '-c', '-o', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const names = git.status === 0 ? git.stdout.split('\0') : walk('');
  return names.filter((name) => name !== '' && existsSync(join(ROOT, name))).sort();
}

/** For an unpacked archive, which has no git: everything but what is installed or built. */
function walk(dir: string): string[] {
  return readdirSync(join(ROOT, dir)).flatMap((name) => {
    if (['node_modules', 'dist', '.git'].includes(name)) return [];
    const path = dir === '' ? name : `${dir}/${name}`;
    return statSync(join(ROOT, path)).isDirectory() ? walk(path) : [path];
  });
}

/** TypeScript and AssemblyScript sources, optionally only those below `dir`. */
export function listSources(dir = ''): string[] {
  const inside = dir === '' ? '' : `${dir}/`;
  return listFiles().filter((path) => path.startsWith(inside) && /(?<!\.d)\.tsx?$/.test(path));
}

/** The text of a file given relative to ROOT. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Source text with comments blanked out; line breaks stay, so that line numbers do too. */
export function stripComments(source: string): string {
  const tokens =
    /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return source.replace(tokens, (token) =>
    token.startsWith('/') ? token.replace(/[^\n]/g, ' ') : token,
  );
}

/** Every match of a pattern in a text, with its line. */
export function findAll(path: string, text: string, pattern: RegExp): Finding[] {
  return [...text.matchAll(new RegExp(pattern, pattern.flags.replace('g', '') + 'g'))].map(
    (match) => ({
      at: `${path}:${text.slice(0, match.index).split('\n').length}`,
      what: match[0].trim(),
    }),
  );
}

/** Findings as a message, one a line; empty when the rule holds. */
export function describeFindings(findings: readonly Finding[]): string {
  return findings.map(({ at, what }) => `${at}: ${what}`).join('\n');
}
