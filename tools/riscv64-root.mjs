// Makes a directory of unpacked Debian packages for riscv64, which `procmem run --root DIR` takes as its root and
// `qemu-riscv64 -L DIR` as its libraries: `node tools/riscv64-root.mjs [--apps] [DIR]`, `--where` only says where.
// With --apps it has the larger programs of test/guest/apps-*.test.ts too, five times as much to download. DIR is by default $PROCMEM_RISCV64_ROOT, or a directory in the user's cache. Needs apt, dpkg and Debian's keyring;
// nothing of the system's own package state is read or changed. What is there already is not fetched again.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** What most tests and the demo run; what these depend on comes with them. */
const PACKAGES = [
  ...['libc6', 'libc6-dev', 'libstdc++6', 'libgcc-s1', 'libgoogle-glog-dev', 'libgflags-dev'],
  ...[
    'busybox-static',
    'dash',
    'bash',
    'coreutils',
    'findutils',
    'diffutils',
    'grep',
    'sed',
    'gawk',
    'mawk',
  ],
  ...['gzip', 'tar', 'python3', 'perl-base', 'lua5.4', 'sqlite3', 'jq', 'bc'],
];
/** What --apps adds. */
const APPS = [
  'strace gdb gcc make git vim-tiny less nano tmux screen bsdutils procps psmisc lsof util-linux file ncurses-base',
  'xz-utils zstd bzip2 libc-bin redis-server curl rsync openssh-client gnupg openssl',
].flatMap((line) => line.split(' '));
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SOURCE = `deb [signed-by=${KEYRING}] http://deb.debian.org/debian sid main\n`;
/** In place of /usr/lib and so on: Debian's base-files has these links, which no other package brings. */
const MERGED = ['bin', 'sbin', 'lib'];
/** Written last, with what was asked for: a root without it is not whole. */
const MARK = '.procmem-root';
const MAKE_EXAMPLE = fileURLToPath(new URL('../examples/guest/make-glog.sh', import.meta.url));

function defaultRoot() {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return process.env.PROCMEM_RISCV64_ROOT || join(cache, 'procmem', 'riscv64-root');
}

function run(command, args, options = {}) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
}

/** A configuration for apt with a state of its own, in which no package is installed. */
function configureApt(dir) {
  for (const name of [
    'etc/preferences.d',
    'etc/apt.conf.d',
    'state/lists/partial',
    'cache/archives/partial',
  ]) {
    fs.mkdirSync(join(dir, name), { recursive: true });
  }
  fs.writeFileSync(join(dir, 'etc/sources.list'), SOURCE);
  fs.writeFileSync(join(dir, 'state/status'), '');
  const settings = {
    'Dir::State': join(dir, 'state'),
    'Dir::State::status': join(dir, 'state/status'),
    'Dir::Cache': join(dir, 'cache'),
    'Dir::Etc': join(dir, 'etc'),
    'Dir::Etc::sourceparts': '-',
    'APT::Architecture': 'riscv64',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    // A mirror may stand still. Signatures are looked at all the same.
    'Acquire::Check-Valid-Until': 'false',
    // The directory may be one that only this user can enter.
    'APT::Sandbox::User': 'root',
    'Debug::NoLocking': 'true',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  const path = join(dir, 'apt.conf');
  fs.writeFileSync(path, `APT::Architectures { "riscv64"; };\n${lines.join('')}`);
  return path;
}

/** Downloads the packages and what they depend on; returns their files. */
function download(dir, packages) {
  const env = { ...process.env, APT_CONFIG: configureApt(dir), DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  const install = ['install', '-qq', '-y', '--no-install-recommends', '--download-only'];
  run('apt-get', [...install, ...packages], { env });
  const archives = join(dir, 'cache/archives');
  const files = fs.readdirSync(archives).filter((name) => name.endsWith('.deb'));
  return files.map((name) => join(archives, name));
}

function unpack(files, root) {
  fs.rmSync(root, { recursive: true, force: true });
  fs.mkdirSync(join(root, 'usr'), { recursive: true });
  for (const name of MERGED) {
    fs.mkdirSync(join(root, 'usr', name));
    fs.symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const name of ['tmp', 'proc', 'dev', 'root', 'etc']) fs.mkdirSync(join(root, name));
  fs.chmodSync(join(root, 'tmp'), 0o1777);
  for (const file of files) run('dpkg-deb', ['--extract', file, root]);
  // Maintainers' scripts make these; they are not run.
  if (!fs.existsSync(join(root, 'bin/sh'))) fs.symlinkSync('dash', join(root, 'bin/sh'));
  for (const [name, target] of [
    ['awk', 'mawk'],
    ['cc', 'gcc'],
    ['vi', 'vim.tiny'],
  ]) {
    const [path, to] = [name, target].map((each) => join(root, 'usr/bin', each));
    if (fs.existsSync(to) && !fs.existsSync(path)) fs.symlinkSync(target, path);
  }
}

/** What Debian's installer would write: who there is, and the name of this computer's own network. */
function configure(root) {
  const files = {
    passwd: 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n',
    group: 'root:x:0:\nnogroup:x:65534:\n',
    hosts: '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n',
  };
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(join(root, 'etc', name), text);
}

function digest(packages) {
  return createHash('sha256')
    .update(JSON.stringify([SOURCE, packages]))
    .digest('hex');
}

function make(root, apps) {
  const mark = join(root, MARK);
  const found = fs.existsSync(mark) ? fs.readFileSync(mark, 'utf8') : '';
  const all = [...PACKAGES, ...APPS];
  // One with more than was asked for will do.
  if (found === digest(all) || (!apps && found === digest(PACKAGES))) return finish(root);
  for (const tool of ['apt-get', 'dpkg-deb']) {
    if (!hasCommand(tool)) throw new Error(`${tool} is missing: this needs Debian's package tools`);
  }
  if (!fs.existsSync(KEYRING))
    throw new Error(`${KEYRING} is missing: install debian-archive-keyring`);
  const apt = `${root}.apt`;
  const packages = apps ? all : PACKAGES;
  const files = download(apt, packages);
  unpack(files, root);
  fs.writeFileSync(mark, digest(packages));
  fs.rmSync(apt, { recursive: true });
  finish(root);
}

function finish(root) {
  configure(root);
  compileExample(root);
}

/** The program that `npm start` runs where it is: examples/guest/glog.cc, linked with the root's glog. */
function compileExample(root) {
  if (fs.existsSync(join(root, 'usr/bin/glog'))) return;
  if (hasCommand('riscv64-linux-gnu-g++')) run('sh', [MAKE_EXAMPLE, root]);
  else
    console.error(
      'riscv64-root: no g++-riscv64-linux-gnu, so examples/guest/glog.cc is not compiled',
    );
}

function hasCommand(name) {
  return (process.env.PATH ?? '').split(':').some((dir) => fs.existsSync(join(dir, name)));
}

const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const [argument] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const root = resolve(argument ?? defaultRoot());
const unknown = flags.find((flag) => flag !== '--where' && flag !== '--apps');
try {
  if (unknown !== undefined) throw new Error(`there is no option ${unknown}`);
  if (!flags.includes('--where')) make(root, flags.includes('--apps'));
} catch (error) {
  console.error(`riscv64-root: ${error.message}`);
  process.exit(1);
}
console.log(root);
