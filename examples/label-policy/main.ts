// Run after a build: node dist/examples/label-policy/main.js
import { LinuxError, Machine, SIGTERM, type Task } from '../../src/index.js';
import { LabelPolicy, PR_ENTER_DOMAIN } from './label-policy.js';

const DOMAINS = ['app', 'debugger', 'monitor'];
const POLICY = `
allow debugger app: read trace signal
allow monitor app: read            # maps and environ, but never mem
allow unconfined app: enter
`;

/** What an attempt comes to: `ok`, or the name of the error. */
function attempt(action: () => unknown): string {
  try {
    action();
    return 'ok';
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    throw error;
  }
}

/** What one task may do to another, in the order of the columns printed. */
function row(caller: Task, target: Task): string[] {
  const proc = `/proc/${target.pid}`;
  return [
    attempt(() => caller.readText(`${proc}/maps`)),
    attempt(() => caller.open(`${proc}/mem`).close()),
    attempt(() => caller.processVmRead(target, 0x10000, new Uint8Array(8))),
    attempt(() => caller.kill(target.pid, 0)),
  ];
}

const policy = new LabelPolicy(DOMAINS, POLICY);
const machine = await Machine.create({ security: [policy] });
// All of one user, so that Linux without the policy would allow everything.
const spawn = (comm: string): Task => machine.spawn({ comm, uid: 1000 });

const app = spawn('app');
const page = app.mmap({ addr: 0x10000, length: 4096 });
app.store(page, new TextEncoder().encode('a secret'));
app.prctl(PR_ENTER_DOMAIN, DOMAINS.indexOf('app'));

const callers = ['unconfined', 'debugger', 'monitor', 'app'].map((domain) => {
  const task = spawn(domain);
  if (domain !== 'unconfined') policy.label(task.struct, domain);
  return task;
});

console.log('domain       maps    mem     vm      signal');
for (const caller of callers) {
  const cells = row(caller, app).map((cell) => cell.padEnd(7));
  console.log(`${caller.comm.padEnd(12)} ${cells.join(' ')}`.trimEnd());
}

const monitor = callers[2] as Task;
console.log(`\nwhy monitor may not open mem:`);
for (const { check, source, outcome } of machine.explainAccess(monitor, app).checks) {
  console.log(`  ${outcome.padEnd(8)} ${check} (${source})`);
}

const child = app.fork();
console.log(`\na child of app is in the domain ${policy.domainOf(child.struct)};`);
console.log(`back into debugger: ${attempt(() => child.prctl(PR_ENTER_DOMAIN, 1))};`);
console.log(`killed by monitor: ${attempt(() => monitor.kill(child.pid, SIGTERM))}`);
