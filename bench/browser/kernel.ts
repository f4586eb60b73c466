// In the place of ../kernel.ts in a browser: no kernel can be asked, so no case has it as a baseline.
import type { Clock } from '../clock.js';

export class Kernel {
  read(_size: number): Clock | null {
    return null;
  }

  write(_size: number): Clock | null {
    return null;
  }

  helperCase(_name: string, _size: number): Clock | null {
    return null;
  }

  sandboxedCase(_name: string, _size: number): Clock | null {
    return null;
  }

  endHelpers(): void {}

  close(): void {}
}
