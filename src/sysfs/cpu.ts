/** A directory of the tree: the text of files, and further directories, by name. */
export interface SysfsTree {
  readonly [name: string]: string | SysfsTree;
}

/** A set of CPUs with the one that there is, as a mask and as a list. */
const MASK = '1\n';
const LIST = '0\n';
/** NR_CPUS - 1 of a kernel that is built for 64. */
const KERNEL_MAX = '63\n';

/** Sets under both of their names. */
function sets(...names: readonly string[]): SysfsTree {
  return Object.fromEntries(
    names.flatMap((name) => [
      [name, MASK],
      [`${name}_list`, LIST],
    ]),
  );
}

/** drivers/base/topology.c */
const TOPOLOGY: SysfsTree = {
  cluster_id: '-1\n',
  core_id: '0\n',
  physical_package_id: '0\n',
  ...sets('cluster_cpus', 'core_cpus', 'core_siblings', 'package_cpus', 'thread_siblings'),
};

/** drivers/base/cpu.c: one CPU, that cannot be taken away. */
export const CPU: SysfsTree = {
  cpu0: { topology: TOPOLOGY },
  enabled: LIST,
  isolated: '\n',
  kernel_max: KERNEL_MAX,
  offline: '\n',
  online: LIST,
  possible: LIST,
  present: LIST,
};

/** drivers/base/node.c: one node, with the CPU and all memory. */
export const NODE: SysfsTree = {
  has_cpu: LIST,
  has_memory: LIST,
  has_normal_memory: LIST,
  node0: { cpulist: LIST, cpumap: MASK, distance: '10\n' },
  online: LIST,
  possible: LIST,
};
