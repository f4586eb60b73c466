import {
  type AccessReport,
  credSecurity,
  NOT_MINE,
  PTRACE_MODE_ATTACH,
  type SecurityModule,
  setCredSecurity,
  type TaskStruct,
} from '../../src/index.js';

/** What a rule may allow a domain to do to another. */
export type Permission = 'read' | 'trace' | 'signal' | 'enter';

/** The domain of a task that never entered one: nothing is refused to it, and nothing about it. */
export const UNCONFINED = 'unconfined';

/** prctl option of this module: enter the domain whose index is the second argument. */
export const PR_ENTER_DOMAIN = 0x4c41424c;

const PERMISSIONS: readonly string[] = ['read', 'trace', 'signal', 'enter'];
const RULE = /^allow\s+([\w-]+)\s+([\w-]+)\s*:\s*([\w\s]+)$/;
const EPERM = 1;
const EINVAL = 22;

/**
 * A small label policy in the manner of SELinux and AppArmor. Every task is in a domain, which its
 * children and its programs inherit; what one domain may do to another is what rules allow.
 *
 *     allow debugger app: read trace    # and so on, one rule a line
 *     allow unconfined app: enter
 *
 * `read` is looking at /proc/PID/maps, environ and the like, `trace` is ptrace, /proc/PID/mem and
 * process_vm_readv, `signal` is kill, and `enter` is moving into a domain by prctl.
 *
 * @example
 * const policy = new LabelPolicy(['app'], 'allow unconfined app: enter');
 * const machine = await Machine.create({ security: [policy] });
 */
export class LabelPolicy implements SecurityModule {
  readonly name = 'label-policy';
  private readonly domains: readonly string[];
  private readonly allowed: ReadonlySet<string>;

  /** Reads a policy; a SyntaxError names the line that is no rule, or an unknown domain. */
  constructor(domains: readonly string[], policy: string) {
    this.domains = domains;
    this.allowed = new Set(policy.split('\n').flatMap((line) => this.parseRule(line)));
  }

  /** The domain a task is in. */
  domainOf(task: TaskStruct): string {
    return (credSecurity(task.cred, this.name) as string | undefined) ?? UNCONFINED;
  }

  /** Puts a task into a domain, whatever the rules say: what an init system would do. */
  label(task: TaskStruct, domain: string): void {
    setCredSecurity(task, this.name, domain);
  }

  /** The check behind every access to another task; its two modes are two permissions. */
  ptraceAccessCheck(
    task: TaskStruct,
    child: TaskStruct,
    mode: number,
    report?: AccessReport,
  ): number {
    const permission = mode & PTRACE_MODE_ATTACH ? 'trace' : 'read';
    const source = this.domainOf(task);
    const target = this.domainOf(child);
    const allowed = this.allows(source, target, permission);
    report?.add(
      `the policy allows ${permission}`,
      'examples/label-policy, ptraceAccessCheck()',
      { caller: source, target, permission },
      allowed ? 'continue' : 'denied',
    );
    return allowed ? 0 : -EPERM;
  }

  /** A child that asks to be traced: the parent needs the right as if it had attached. */
  ptraceTraceme(parent: TaskStruct, child: TaskStruct): number {
    return this.allows(this.domainOf(parent), this.domainOf(child), 'trace') ? 0 : -EPERM;
  }

  taskKill(task: TaskStruct, target: TaskStruct): number {
    return this.allows(this.domainOf(task), this.domainOf(target), 'signal') ? 0 : -EPERM;
  }

  /** A prctl option of its own; others are left to whom they belong. */
  taskPrctl(task: TaskStruct, option: number, args: readonly bigint[]): number | null {
    if (option !== PR_ENTER_DOMAIN) return NOT_MINE;
    const domain = this.domains[Number(args[0])];
    if (domain === undefined) return -EINVAL;
    if (!this.allowed.has(ruleKey(this.domainOf(task), domain, 'enter'))) return -EPERM;
    this.label(task, domain);
    return 0;
  }

  private allows(source: string, target: string, permission: Permission): boolean {
    if (source === target || source === UNCONFINED) return true;
    return this.allowed.has(ruleKey(source, target, permission));
  }

  private parseRule(line: string): string[] {
    const text = line.replace(/#.*/, '').trim();
    if (text === '') return [];
    const [, source = '', target = '', list = ''] = RULE.exec(text) ?? [];
    const permissions = list.trim().split(/\s+/);
    const known = [source, target].every((d) => d === UNCONFINED || this.domains.includes(d));
    if (!known || !permissions.every((word) => PERMISSIONS.includes(word))) {
      throw new SyntaxError(`no rule: ${text}`);
    }
    return permissions.map((permission) => ruleKey(source, target, permission as Permission));
  }
}

function ruleKey(source: string, target: string, permission: Permission): string {
  return `${source} ${target} ${permission}`;
}
