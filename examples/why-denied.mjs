// Who may open /proc/PID/mem, and which check decides: the same question under each Yama scope.
import { Machine } from 'procmem';

for (const yama of [0, 1, 2, 3]) {
  const machine = await Machine.create({ yama });
  const shell = machine.spawn({ comm: 'shell', uid: 1000 });
  const debuggee = shell.fork();
  const sibling = shell.fork();
  const root = machine.spawn({ comm: 'root' });
  console.log(`kernel.yama.ptrace_scope = ${yama}`);
  for (const [who, caller] of Object.entries({ parent: shell, sibling, root })) {
    const { allowed, checks } = machine.explainAccess(caller, debuggee);
    const decided = checks.find((check) => check.decided);
    console.log(`  ${who.padEnd(8)} ${allowed ? 'may' : 'may not'}, decided by: ${decided.check}`);
  }
}
