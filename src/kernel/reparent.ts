import { releaseTask } from './exit.js';
import { doNotifyParent } from './notify.js';
import { sendSignal } from './deliver.js';
import { SIGCHLD } from './signal.js';
import { killOrphanedPgrp } from './tty-jobctrl.js';
import type { TaskStruct } from './task.js';
import { PF_EXITING, threadGroupEmpty } from './task.js';

/** A thread of the same process that lives on (find_alive_thread()). */
function findAliveThread(task: TaskStruct): TaskStruct | null {
  return task.group.threads.find((thread) => !(thread.flags & PF_EXITING));
}

/**
 * Who waits for the children of a thread that exits: another thread of its process, the nearest
 * ancestor that asked to be a subreaper, or pid 1.
 * @see kernel/exit.c, find_new_reaper()
 */
function findNewReaper(father: TaskStruct): TaskStruct {
  const thread = findAliveThread(father);
  if (thread !== null) return thread;
  const { init } = father.kernel;
  if (!father.group.hasChildSubreaper) return init;
  for (let reaper = father.parent; reaper !== null && reaper.group !== init.group;) {
    const alive = reaper.group.isChildSubreaper ? findAliveThread(reaper) : null;
    if (alive !== null) return alive;
    reaper = reaper.parent;
  }
  return init;
}

/**
 * A child changes hands; one that is a zombie already is offered to the new parent
 * (reparent_leader()).
 */
function reparentLeader(child: TaskStruct, father: TaskStruct): void {
  child.exitSignal = SIGCHLD;
  const waiting = child.state === 'Z' && child.ptrace === null && threadGroupEmpty(child);
  if (waiting && doNotifyParent(child)) releaseTask(child);
  killOrphanedPgrp(child, father);
}

/**
 * Gives the children of an exiting thread a new parent and sends them the signal they asked for.
 * @see kernel/exit.c, forget_original_parent()
 */
export function forgetOriginalParent(father: TaskStruct): void {
  const { ownChildren } = father;
  if (ownChildren === null || father.group === father.kernel.init.group) return;
  const reaper = findNewReaper(father);
  for (const group of [...ownChildren]) {
    const child = group.leader;
    ownChildren.remove(group);
    reaper.adopt(group);
    const signals = Array.from(child.group.threads, (thread) => thread.pdeathSignal);
    if (reaper.group !== father.group) reparentLeader(child, father);
    for (const signal of signals) if (signal !== 0) sendSignal(child, signal);
  }
}

/** Tells every descendant that it has a subreaper above it (propagate_has_child_subreaper()). */
export function propagateHasChildSubreaper(task: TaskStruct): void {
  const todo = [task];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    for (const child of at.children) {
      if (child.group.hasChildSubreaper) continue;
      child.group.hasChildSubreaper = true;
      todo.push(child);
    }
  }
}
