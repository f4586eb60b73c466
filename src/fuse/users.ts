/** Numbers of users or groups: those of the host, and what they are in the machine. */
export type IdPairs = readonly (readonly [host: number, machine: number])[];

/** An id that the host could not name to us: overflowuid of the kernel. */
const NOBODY = 65534;
const INVALID_ID = 0xffffffff;

/** Translates the ids of one kind. Those in no pair keep their number: root is root. */
export class IdMapping {
  readonly #toMachine: ReadonlyMap<number, number>;
  readonly #toHost: ReadonlyMap<number, number>;

  constructor(pairs: IdPairs = []) {
    this.#toMachine = new Map(pairs);
    // Of several that become one, the first is shown.
    this.#toHost = new Map([...pairs].reverse().map(([host, machine]) => [machine, host]));
  }

  /** Who a caller of the host is in the machine. */
  toMachine(host: number): number {
    return this.#toMachine.get(host) ?? (host === INVALID_ID ? NOBODY : host);
  }

  /** How an owner in the machine is shown to the host. */
  toHost(machine: number): number {
    return this.#toHost.get(machine) ?? (machine < 0 ? NOBODY : machine);
  }
}
