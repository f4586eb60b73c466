import { tidCommInodeOperations, commOperations } from './comm.js';
import { attrDirStuff } from './attr.js';
import { autogroupOperations } from './autogroup.js';
import { auxvOperations } from './auxv.js';
import { showChildren } from './children.js';
import { clearRefsOperations } from './clear-refs.js';
import { cmdlineOperations } from './cmdline.js';
import { coredumpFilterOperations } from './coredump-filter.js';
import { environOperations } from './environ.js';
import { fdInodeOperations, fdOperations } from './fd.js';
import { fdinfoInodeOperations, fdinfoOperations } from './fdinfo.js';
import { idMapOperations } from './id-map.js';
import { showTgidIo, showTidIo } from './io.js';
import { showKsmMergingPages, showKsmStat } from './ksm.js';
import { showLimits } from './limits.js';
import { cwdLink, exeLink, rootLink } from './links.js';
import { loginuidOperations, sessionidOperations } from './loginuid.js';
import { mapFilesInodeOperations, mapFilesOperations } from './map-files.js';
import { mapsOperations } from './maps.js';
import { memOperations } from './mem.js';
import { mountinfoOperations, mountsOperations, mountstatsOperations } from './mounts.js';
import { netDirFileOperations, netDirInodeOperations } from './net.js';
import { nsInodeOperations, nsOperations } from './ns.js';
import { numaMapsOperations } from './numa-maps.js';
import { oomAdjOperations, oomScoreAdjOperations } from './oom-score-adj.js';
import { showOomScore } from './oom-score.js';
import { pagemapOperations } from './pagemap.js';
import { showPersonality } from './personality.js';
import { dir, lnk, one, pidentFileOperations, pidentInodeOperations, reg } from './pid-entry.js';
import type { PidEntry } from './pid-entry.js';
import { schedOperations, showSchedstat } from './sched.js';
import { setgroupsOperations } from './setgroups.js';
import { smapsRollupOperations } from './smaps-rollup.js';
import { smapsOperations } from './smaps.js';
import { showStack } from './stack.js';
import { showTgidStat, showTidStat } from './stat.js';
import { showStatm } from './statm.js';
import { showStatus } from './status.js';
import { showSyscall } from './syscall.js';
import { taskDirectory } from './task.js';
import { timensOffsetsOperations } from './timens-offsets.js';
import { timersOperations } from './timers.js';
import { timerslackNsOperations } from './timerslack-ns.js';
import { showWchan } from './wchan.js';
import { S_IFREG } from '../vfs/mode.js';

const uidMapOperations = idMapOperations('uid');
const gidMapOperations = idMapOperations('gid');
const projidMapOperations = idMapOperations('projid');
const attrIops = pidentInodeOperations(() => attrDirStuff);
const attrFops = pidentFileOperations(() => attrDirStuff);
/** It tells when AVX-512 was last used, which this CPU does not have (proc_pid_arch_status()). */
const showArchStatus = (): string => '';
/** /proc/PID/task. */
export const tgidTaskDirectory = taskDirectory(() => tidBaseStuff);

/**
 * What is in /proc/PID, in the order of a listing: name, permissions, operations (K-600).
 * @see fs/proc/base.c tgid_base_stuff
 */
export const tgidBaseStuff: readonly PidEntry[] = [
  dir('task', 0o555, tgidTaskDirectory.iops, tgidTaskDirectory.fops),
  dir('fd', 0o500, fdInodeOperations, fdOperations),
  dir('map_files', 0o500, mapFilesInodeOperations, mapFilesOperations),
  dir('fdinfo', 0o555, fdinfoInodeOperations, fdinfoOperations),
  dir('ns', 0o511, nsInodeOperations, nsOperations),
  dir('net', 0o555, netDirInodeOperations, netDirFileOperations),
  reg('environ', 0o400, environOperations),
  reg('auxv', 0o400, auxvOperations),
  one('status', 0o444, showStatus),
  one('personality', 0o400, showPersonality),
  one('limits', 0o444, showLimits),
  reg('sched', 0o644, schedOperations),
  reg('autogroup', 0o644, autogroupOperations),
  reg('timens_offsets', 0o644, timensOffsetsOperations),
  reg('comm', 0o644, commOperations),
  one('syscall', 0o400, showSyscall),
  reg('cmdline', 0o444, cmdlineOperations),
  one('stat', 0o444, showTgidStat),
  one('statm', 0o444, showStatm),
  reg('maps', 0o444, mapsOperations),
  reg('numa_maps', 0o444, numaMapsOperations),
  reg('mem', 0o600, memOperations),
  lnk('cwd', cwdLink),
  lnk('root', rootLink),
  lnk('exe', exeLink),
  reg('mounts', 0o444, mountsOperations),
  reg('mountinfo', 0o444, mountinfoOperations),
  reg('mountstats', 0o400, mountstatsOperations),
  reg('clear_refs', 0o200, clearRefsOperations),
  reg('smaps', 0o444, smapsOperations),
  reg('smaps_rollup', 0o444, smapsRollupOperations),
  reg('pagemap', 0o400, pagemapOperations),
  dir('attr', 0o555, attrIops, attrFops),
  one('wchan', 0o444, showWchan),
  one('stack', 0o400, showStack),
  one('schedstat', 0o444, showSchedstat),
  one('cpuset', 0o444, () => '/\n'),
  one('cgroup', 0o444, () => '0::/\n'),
  one('oom_score', 0o444, showOomScore),
  reg('oom_adj', 0o644, oomAdjOperations),
  reg('oom_score_adj', 0o644, oomScoreAdjOperations),
  reg('loginuid', 0o644, loginuidOperations),
  reg('sessionid', 0o444, sessionidOperations),
  reg('coredump_filter', 0o644, coredumpFilterOperations),
  one('io', 0o400, showTgidIo),
  reg('uid_map', 0o644, uidMapOperations),
  reg('gid_map', 0o644, gidMapOperations),
  reg('projid_map', 0o644, projidMapOperations),
  reg('setgroups', 0o644, setgroupsOperations),
  reg('timers', 0o444, timersOperations),
  reg('timerslack_ns', 0o666, timerslackNsOperations),
  one('arch_status', 0o444, showArchStatus),
  one('ksm_merging_pages', 0o400, showKsmMergingPages),
  one('ksm_stat', 0o400, showKsmStat),
];

/**
 * What is in /proc/PID/task/TID, in the order of a listing.
 * @see fs/proc/base.c tid_base_stuff
 */
export const tidBaseStuff: readonly PidEntry[] = [
  dir('fd', 0o500, fdInodeOperations, fdOperations),
  dir('fdinfo', 0o555, fdinfoInodeOperations, fdinfoOperations),
  dir('ns', 0o511, nsInodeOperations, nsOperations),
  dir('net', 0o555, netDirInodeOperations, netDirFileOperations),
  reg('environ', 0o400, environOperations),
  reg('auxv', 0o400, auxvOperations),
  one('status', 0o444, showStatus),
  one('personality', 0o400, showPersonality),
  one('limits', 0o444, showLimits),
  reg('sched', 0o644, schedOperations),
  { name: 'comm', mode: S_IFREG | 0o644, iops: tidCommInodeOperations, fops: commOperations },
  one('syscall', 0o400, showSyscall),
  reg('cmdline', 0o444, cmdlineOperations),
  one('stat', 0o444, showTidStat),
  one('statm', 0o444, showStatm),
  reg('maps', 0o444, mapsOperations),
  one('children', 0o444, showChildren),
  reg('numa_maps', 0o444, numaMapsOperations),
  reg('mem', 0o600, memOperations),
  lnk('cwd', cwdLink),
  lnk('root', rootLink),
  lnk('exe', exeLink),
  reg('mounts', 0o444, mountsOperations),
  reg('mountinfo', 0o444, mountinfoOperations),
  reg('clear_refs', 0o200, clearRefsOperations),
  reg('smaps', 0o444, smapsOperations),
  reg('smaps_rollup', 0o444, smapsRollupOperations),
  reg('pagemap', 0o400, pagemapOperations),
  dir('attr', 0o555, attrIops, attrFops),
  one('wchan', 0o444, showWchan),
  one('stack', 0o400, showStack),
  one('schedstat', 0o444, showSchedstat),
  one('cpuset', 0o444, () => '/\n'),
  one('cgroup', 0o444, () => '0::/\n'),
  one('oom_score', 0o444, showOomScore),
  reg('oom_adj', 0o644, oomAdjOperations),
  reg('oom_score_adj', 0o644, oomScoreAdjOperations),
  reg('loginuid', 0o644, loginuidOperations),
  reg('sessionid', 0o444, sessionidOperations),
  one('io', 0o400, showTidIo),
  reg('uid_map', 0o644, uidMapOperations),
  reg('gid_map', 0o644, gidMapOperations),
  reg('projid_map', 0o644, projidMapOperations),
  reg('setgroups', 0o644, setgroupsOperations),
  one('arch_status', 0o444, showArchStatus),
  one('ksm_merging_pages', 0o400, showKsmMergingPages),
  one('ksm_stat', 0o400, showKsmStat),
];
