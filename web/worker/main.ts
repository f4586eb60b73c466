// The worker's entry: it owns the machine, and answers the page's calls by a table of handlers.
import type { Failure, Request, Response } from '../app/message.js';
import { Call } from './call.js';
import { handlers } from './handlers.js';
import { Session } from './session.js';

const session = new Session();
const calls = new Map<number, Call>();

type AnyHandler = (session: Session, args: unknown, call: Call) => unknown;

const post = (response: Response): void => globalThis.postMessage(response);

async function answer(id: number, name: string, args: unknown): Promise<void> {
  const call = new Call((progress) => post({ id, progress }));
  calls.set(id, call);
  try {
    const handler = (handlers as Readonly<Record<string, unknown>>)[name] as AnyHandler;
    const result = await handler(session, args, call);
    post({ id, result });
  } catch (error) {
    post({ id, error: failureOf(error) });
  } finally {
    calls.delete(id);
  }
}

function failureOf(error: unknown): Failure {
  const about = error as Partial<Record<'code' | 'file' | 'offset', unknown>>;
  return {
    name: error instanceof Error ? error.name : 'Error',
    message: error instanceof Error ? error.message : String(error),
    code: typeof about.code === 'string' ? about.code : null,
    file: typeof about.file === 'string' ? about.file : null,
    offset: typeof about.offset === 'number' ? about.offset : null,
  };
}

globalThis.onmessage = ({ data }: MessageEvent<Request>) => {
  if ('cancel' in data) {
    calls.get(data.id)?.cancel();
  } else {
    void answer(data.id, data.name, data.args);
  }
};
