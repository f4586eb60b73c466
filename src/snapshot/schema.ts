import { Rlimits } from '../kernel/rlimit.js';
import { SeccompFilter } from '../kernel/seccomp.js';
import { SeccompListener, SeccompNotification } from '../kernel/seccomp-notify.js';
import { YamaModule, YamaScope } from '../kernel/lsm/yama.js';
import { Cred } from '../kernel/cred.js';
import { FutexWait } from '../kernel/futex.js';
import { FutexWaitv } from '../kernel/futex-waitv.js';
import { MsgQueue, MsgReceiver, MsgSender } from '../kernel/ipc/msg.js';
import { IpcIds } from '../kernel/ipc/perm.js';
import { SemSet, SemWait } from '../kernel/ipc/sem.js';
import { Kernel } from '../kernel/kernel.js';
import { MmStruct } from '../kernel/mm-struct.js';
import { Pid, PidTable } from '../kernel/pid.js';
import { PosixTimer } from '../kernel/posix-timer.js';
import { ProcessCount } from '../kernel/process-count.js';
import { Random } from '../kernel/random.js';
import { Rusage } from '../kernel/rusage.js';
import { SecurityHooks } from '../kernel/security.js';
import { Sighand } from '../kernel/sighand.js';
import { PendingSignals } from '../kernel/siginfo.js';
import { Sysctl } from '../kernel/sysctl.js';
import { TaskStruct, ThreadGroup } from '../kernel/task.js';
import { TaskList } from '../kernel/task-list.js';
import { UserNamespace } from '../kernel/userns.js';
import { Vdso, VdsoPages } from '../kernel/vdso.js';
import { CoreExeFile } from '../api/core-file-system.js';
import { SourcePages } from '../api/source-pages.js';
import { Hart } from '../mm/hart.js';
import { PageCache } from '../mm/page-cache.js';
import { UserfaultQueue } from '../mm/userfault-queue.js';
import { UserfaultfdContext } from '../mm/userfaultfd.js';
import { InetOptions } from '../net/inet-options.js';
import { NetNamespace } from '../net/net-namespace.js';
import { NetlinkSocket } from '../net/netlink-socket.js';
import { PortTable } from '../net/ports.js';
import { SockOptions } from '../net/sock-options.js';
import { TcpSocket } from '../net/tcp-socket.js';
import { TimeWait } from '../net/time-wait.js';
import { UdpSocket } from '../net/udp-socket.js';
import { UnixSocket } from '../net/unix-socket.js';
import { ExecutableFile } from '../syscall/exec.js';
import { ByteQueue } from '../vfs/byte-queue.js';
import { ShmSegment, ShmSegments } from '../vfs/shm-segments.js';
import { Dentry } from '../vfs/dentry.js';
import { Devpts } from '../vfs/devpts.js';
import { Eventpoll } from '../vfs/epoll.js';
import { Eventfd } from '../vfs/eventfd.js';
import { MqReceiver, MqSender, Mqueue } from '../vfs/mqueue.js';
import { Signalfd } from '../vfs/signalfd.js';
import { Timerfd } from '../vfs/timerfd.js';
import { ExeFile } from '../vfs/exe-file.js';
import { FdTable } from '../vfs/fdtable.js';
import { File } from '../vfs/file.js';
import { FsStruct } from '../vfs/fs-struct.js';
import { FileLocks } from '../vfs/locks.js';
import { HostFs } from '../vfs/host-fs.js';
import { HostPages } from '../vfs/host-pages.js';
import { Inode } from '../vfs/inode.js';
import { Inotify } from '../vfs/inotify.js';
import { LowerDirectory, LowerFile, LowerLayer } from '../vfs/lower.js';
import { Mount } from '../vfs/mount.js';
import { LineDiscipline } from '../vfs/n-tty.js';
import { OutputProcessor } from '../vfs/n-tty-output.js';
import { Pipe } from '../vfs/pipe.js';
import { PtyMaster } from '../vfs/pty.js';
import { HostStream } from '../vfs/stream-file.js';
import { SuperBlock } from '../vfs/super-block.js';
import { Tty } from '../vfs/tty.js';
import { Vfs } from '../vfs/vfs.js';
import { Core } from '../wasm/core.js';

/** How objects of a class are kept. */
export interface ClassRule {
  /** The name of the class in snapshots. */
  readonly name: string;
  readonly prototype: object;
  /** Fields that are no state: places of the instance, or caches. */
  readonly skip: ReadonlySet<string>;
  /** Fields that hold objects of the embedder, which stay, or are given again to a restore. */
  readonly external: ReadonlySet<string>;
  /** Fields that hold what can be made anew: null after a restore. */
  readonly caches: ReadonlySet<string>;
}

interface RuleOptions {
  readonly skip?: readonly string[];
  readonly external?: readonly string[];
  readonly caches?: readonly string[];
}

type Class = { readonly prototype: object };

/** The name is spelled out: bundlers give classes other ones. */
function rule(name: string, of: Class, options: RuleOptions = {}): ClassRule {
  return {
    name,
    prototype: of.prototype,
    skip: new Set(options.skip),
    external: new Set(options.external),
    caches: new Set(options.caches),
  };
}

/** What of a Core is its instance and not its state. */
const INSTANCE = [
  'exports',
  'bounce',
  'memory',
  'runs',
  'views',
  'bytes',
  'words',
  'table',
  'compiler',
];

/** Every class of which a machine's state has objects. A class that is not here is refused by its path. */
const RULES: readonly ClassRule[] = [
  rule('Core', Core, {
    skip: [...INSTANCE, 'limitBytes', 'watches', 'rewinds'],
    caches: ['current', 'limits'],
  }),
  rule('CoreExeFile', CoreExeFile),
  rule('Cred', Cred),
  rule('ByteQueue', ByteQueue),
  rule('Dentry', Dentry),
  rule('Devpts', Devpts),
  rule('Eventfd', Eventfd),
  rule('Timerfd', Timerfd),
  rule('Eventpoll', Eventpoll),
  rule('ExeFile', ExeFile),
  rule('ExecutableFile', ExecutableFile),
  rule('FdTable', FdTable),
  rule('File', File, { caches: ['dirCursor'] }),
  rule('FileLocks', FileLocks),
  rule('FsStruct', FsStruct),
  rule('FutexWait', FutexWait),
  rule('FutexWaitv', FutexWaitv),
  rule('Hart', Hart, { caches: ['view'] }),
  rule('HostFs', HostFs, { external: ['host'], caches: ['ids', 'made'] }),
  rule('HostPages', HostPages, { caches: ['file'] }),
  rule('Inode', Inode),
  rule('Inotify', Inotify),
  rule('IpcIds', IpcIds),
  rule('InetOptions', InetOptions),
  rule('NetNamespace', NetNamespace),
  rule('NetlinkSocket', NetlinkSocket),
  rule('PortTable', PortTable),
  rule('SockOptions', SockOptions),
  rule('TcpSocket', TcpSocket),
  rule('TimeWait', TimeWait),
  rule('UdpSocket', UdpSocket),
  // What calls pass holds the rules of the program, which stay; a new machine has none.
  rule('Kernel', Kernel, { skip: ['entry'], external: ['now'] }),
  // Watches are of the host; null is as good as false.
  rule('MmStruct', MmStruct, { caches: ['watched'] }),
  rule('HostStream', HostStream, { external: ['take', 'wanted'] }),
  rule('LineDiscipline', LineDiscipline),
  rule('LowerDirectory', LowerDirectory),
  rule('LowerFile', LowerFile),
  rule('LowerLayer', LowerLayer, { external: ['host'], caches: ['windows'] }),
  rule('Mount', Mount),
  rule('Mqueue', Mqueue),
  rule('MqReceiver', MqReceiver),
  rule('MqSender', MqSender),
  rule('MsgQueue', MsgQueue),
  rule('MsgReceiver', MsgReceiver),
  rule('MsgSender', MsgSender),
  rule('PageCache', PageCache),
  rule('PendingSignals', PendingSignals),
  rule('Pid', Pid),
  rule('PidTable', PidTable),
  rule('Pipe', Pipe),
  rule('PosixTimer', PosixTimer),
  rule('ProcessCount', ProcessCount),
  rule('OutputProcessor', OutputProcessor),
  rule('PtyMaster', PtyMaster),
  rule('Random', Random, { external: ['host'] }),
  rule('Rlimits', Rlimits),
  rule('Rusage', Rusage),
  rule('SeccompFilter', SeccompFilter),
  rule('SeccompListener', SeccompListener),
  rule('SeccompNotification', SeccompNotification),
  rule('SecurityHooks', SecurityHooks, { skip: ['modules'] }),
  rule('SemSet', SemSet),
  rule('SemWait', SemWait),
  rule('ShmSegment', ShmSegment),
  rule('ShmSegments', ShmSegments),
  rule('Sighand', Sighand),
  rule('Signalfd', Signalfd),
  rule('SourcePages', SourcePages, { external: ['source'] }),
  rule('SuperBlock', SuperBlock),
  rule('Sysctl', Sysctl),
  rule('TaskList', TaskList),
  rule('TaskStruct', TaskStruct, { caches: ['mmLimits'] }),
  rule('ThreadGroup', ThreadGroup),
  rule('Tty', Tty, { external: ['host'] }),
  rule('UnixSocket', UnixSocket),
  rule('UserNamespace', UserNamespace),
  rule('UserfaultQueue', UserfaultQueue),
  rule('UserfaultfdContext', UserfaultfdContext, { external: ['handler'] }),
  rule('Vdso', Vdso, { caches: ['image'] }),
  rule('VdsoPages', VdsoPages),
  rule('Vfs', Vfs, { external: ['now'] }),
  rule('YamaModule', YamaModule),
  rule('YamaScope', YamaScope),
];

const BY_PROTOTYPE = new Map(RULES.map((each) => [each.prototype, each]));
const BY_NAME = new Map(RULES.map((each) => [each.name, each]));

/** The rule for objects with a prototype; undefined: nobody said how they are kept. */
export function ruleOf(prototype: object | null): ClassRule | undefined {
  return prototype === null ? undefined : BY_PROTOTYPE.get(prototype);
}

export function ruleNamed(name: string): ClassRule | undefined {
  return BY_NAME.get(name);
}
