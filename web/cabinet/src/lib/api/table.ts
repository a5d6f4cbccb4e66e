// A table of calls, fetched while it is made: how far it is is told, an error is an error, and it can be given up.

import { ApiError, Away, withLogin } from './client';
import { net, reach } from './net.svelte';

const NEWLINE = 10;

/** Gives the table to the browser as a file; `tell` hears how many lines of it there are. */
export async function fetchTable(path: string, tell: (lines: number) => void, signal: AbortSignal): Promise<void> {
  const { answer, body } = await withLogin(() => begin(path, signal));
  const parts = body.getReader();
  // A sheet says how far it is before its file; of a text the lines are counted as they come.
  const told = answer.headers.get('preference-applied') === 'progress' ? headed(tell) : counted(tell);
  const file: Uint8Array<ArrayBuffer>[] = [];
  for (let part = await parts.read(); !part.done; part = await parts.read()) file.push(told(part.value));
  const name = answer.headers.get('content-disposition')?.match(/filename="(.+)"/)?.[1] ?? 'calls';
  save(new Blob(file, { type: answer.headers.get('content-type') ?? '' }), name);
}

async function begin(path: string, signal: AbortSignal): Promise<{ answer: Response; body: ReadableStream<Part> }> {
  const answer = await reach(path, { credentials: 'same-origin', headers: { prefer: 'progress' }, signal }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    net.lost();
    throw new Away();
  });
  if (answer.ok && answer.body) return { answer, body: answer.body };
  throw new ApiError(answer.status, ((await answer.json().catch(() => null)) ?? {}) as Record<string, unknown>);
}

type Part = Uint8Array<ArrayBuffer>;

const counted = (tell: (lines: number) => void) => {
  let lines = -1;
  return (part: Part): Part => {
    for (const byte of part) if (byte === NEWLINE) lines += 1;
    tell(Math.max(lines, 0));
    return part;
  };
};

/** Takes the lines before the file away: numbers, then an empty one. */
export const headed = (tell: (lines: number) => void) => {
  let line = '';
  let isFile = false;
  return (part: Part): Part => {
    for (let at = 0; !isFile && at < part.length; at += 1) {
      if (part[at] !== NEWLINE) line += String.fromCharCode(part[at] ?? 0);
      else if (line === '') {
        isFile = true;
        return part.subarray(at + 1);
      } else {
        tell(Number(line));
        line = '';
      }
    }
    return isFile ? part : part.subarray(part.length);
  };
};

function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
