// In the place of ../v86.ts in a browser: the emulator is measured in Node, where its files are.
import type { Clock } from '../clock.js';

export class V86Memory {
  static create(): Promise<V86Memory> {
    return Promise.resolve(new V86Memory());
  }

  read(_size: number): Clock | null {
    return null;
  }

  write(_size: number): Clock | null {
    return null;
  }

  async close(): Promise<void> {}
}
