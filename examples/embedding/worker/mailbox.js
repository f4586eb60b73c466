// A mailbox in shared memory. Whoever asks puts a request in and rings; whoever answers sleeps until then.
// A worker that asks may sleep too, so that a read of memory is a plain function there; a page may not, and awaits.

/** Words of 32 bits: whose turn it is, how many bytes of the request or answer there are. */
const TURN = 0;
const LENGTH = 1;
const FIRST_BYTE = 8;

const FREE = 0;
const ASKING = 1;
const ASKED = 2;
const ANSWERED = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Mailbox {
  #words;
  #bytes;

  /** @param {SharedArrayBuffer} buffer the same for all who use it; a request or answer must fit */
  constructor(buffer = new SharedArrayBuffer(65536)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer, FIRST_BYTE);
  }

  /** Asks and sleeps until the answer is there: in a worker. */
  ask(request) {
    for (let turn = this.#take(); turn !== FREE; turn = this.#take()) {
      Atomics.wait(this.#words, TURN, turn);
    }
    this.#ring(ASKED, request);
    while (Atomics.load(this.#words, TURN) !== ANSWERED) Atomics.wait(this.#words, TURN, ASKED);
    return this.#finish();
  }

  /** Asks, and gives a promise of the answer: in a page. */
  async askLater(request) {
    for (let turn = this.#take(); turn !== FREE; turn = this.#take()) {
      await Atomics.waitAsync(this.#words, TURN, turn).value;
    }
    this.#ring(ASKED, request);
    while (Atomics.load(this.#words, TURN) !== ANSWERED) {
      await Atomics.waitAsync(this.#words, TURN, ASKED).value;
    }
    return this.#finish();
  }

  /** Answers requests for ever; in a worker of its own, which hears nothing else any more. */
  serve(answer) {
    while (true) {
      const turn = Atomics.load(this.#words, TURN);
      if (turn === ASKED) this.#ring(ANSWERED, answer(this.#read()));
      else Atomics.wait(this.#words, TURN, turn);
    }
  }

  /** FREE when the box is ours now; else what stands in the way. */
  #take() {
    return Atomics.compareExchange(this.#words, TURN, FREE, ASKING);
  }

  #ring(turn, message) {
    const bytes = encoder.encode(JSON.stringify(message));
    this.#bytes.set(bytes);
    this.#words[LENGTH] = bytes.length;
    Atomics.store(this.#words, TURN, turn);
    Atomics.notify(this.#words, TURN);
  }

  #read() {
    return JSON.parse(decoder.decode(this.#bytes.slice(0, this.#words[LENGTH])));
  }

  /** The answer; the box is free for others. */
  #finish() {
    const answer = this.#read();
    Atomics.store(this.#words, TURN, FREE);
    Atomics.notify(this.#words, TURN);
    return answer;
  }
}
