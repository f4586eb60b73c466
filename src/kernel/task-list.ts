/** What a list links: each member knows its neighbours, and is in one list at most. */
export interface Linked<T> {
  prev: T | null;
  next: T | null;
}

/**
 * An ordered list that a member joins and leaves in the same time however many there are: threads
 * of a process, children of a parent. A walk may remove the member it is at.
 * @see include/linux/list.h
 */
export class TaskList<T extends Linked<T>> implements Iterable<T> {
  private first: T | null = null;
  private last: T | null = null;
  private count = 0;

  /** How many members it has. */
  get length(): number {
    return this.count;
  }

  *[Symbol.iterator](): Generator<T, void, void> {
    for (let at = this.first; at !== null;) {
      const { next } = at;
      yield at;
      at = next;
    }
  }

  /** Adds a member at the end. */
  push(member: T): void {
    member.prev = this.last;
    if (this.last === null) this.first = member;
    else this.last.next = member;
    this.last = member;
    this.count += 1;
  }

  /** Takes a member out. */
  remove(member: T): void {
    const { prev, next } = member;
    if (prev === null) this.first = next;
    else prev.next = next;
    if (next === null) this.last = prev;
    else next.prev = prev;
    member.prev = null;
    member.next = null;
    this.count -= 1;
  }

  /** The first member that is so, or null. */
  find(test: (member: T) => boolean): T | null {
    for (let at = this.first; at !== null; at = at.next) if (test(at)) return at;
    return null;
  }

  /** Whether any member is so. */
  some(test: (member: T) => boolean): boolean {
    return this.find(test) !== null;
  }
}
