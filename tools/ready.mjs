#!/usr/bin/env node
// Makes a clone ready to run: installs the dependencies when they are missing or stale, and builds
// what is older than its sources. `--rebuild` builds everything. Only Node's own modules are used:
// this runs before anything is installed, also on versions of Node too old for the rest.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** An error whose message is all the user needs to see. */
class Unready extends Error {}

/** Progress goes to stderr, so that what a command prints can be piped. */
function say(text) {
  process.stderr.write(`procmem: ${text}\n`);
}

function checkNode() {
  const wanted = Number(readJson('package.json').engines.node.match(/\d+/)[0]);
  if (Number(process.versions.node.split('.')[0]) < wanted) {
    throw new Unready(`Node ${wanted} or newer is needed, this is Node ${process.versions.node}`);
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/** True when a package of the lock file belongs on this machine. */
function isWanted(entry) {
  if (entry.libc !== undefined) return false; // musl or glibc: npm decides, and leaves one out
  const fits = (list, value) => list === undefined || list.includes(value);
  return fits(entry.os, process.platform) && fits(entry.cpu, process.arch);
}

/** True when node_modules holds exactly the versions of package-lock.json, by npm's own record. */
function isInstalled() {
  if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) return false;
  const have = readJson('node_modules/.package-lock.json').packages;
  return Object.entries(readJson('package-lock.json').packages).every(([path, entry]) => {
    if (path === '' || !isWanted(entry)) return true;
    // What an optional package of another processor needs is locked, and left out with it.
    const leftOut = entry.optional === true && entry.os === undefined && entry.cpu === undefined;
    return have[path] === undefined ? leftOut : have[path].integrity === entry.integrity;
  });
}

/** Runs the npm that runs us, or the one on the path; no shell where none is needed. */
function npm(args) {
  const cli = process.env.npm_execpath;
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
  return cli !== undefined && basename(cli) === 'npm-cli.js'
    ? spawnSync(process.execPath, [cli, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
}

/** npm's own patience, over a minute of silence, is too long for a machine that is offline. */
const RETRY = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];

function install() {
  say('installing the dependencies (npm ci)');
  // No package needs its install script; not running them is quicker and safer.
  const result = npm([
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...RETRY,
  ]);
  if (result.error) throw new Unready(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0) throw new Unready(installError(result.stderr));
}

const UNREACHABLE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/;

function installError(stderr) {
  const lines = stderr.replace(/^npm (error|ERR!) ?/gm, '').trim();
  const code = UNREACHABLE.exec(lines)?.[0];
  return code === undefined
    ? `npm ci failed:\n${lines}`
    : `the npm registry cannot be reached (${code}); the first run needs it once`;
}

async function main() {
  checkNode();
  if (!isInstalled()) install();
  const { build, BuildError } = await import('./build.mjs');
  try {
    await build(root, { rebuild: process.argv.includes('--rebuild'), say });
  } catch (error) {
    throw error instanceof BuildError ? new Unready(error.message) : error;
  }
}

main().catch((error) => {
  say(error instanceof Unready ? error.message : String(error.stack));
  process.exitCode = 1;
});
