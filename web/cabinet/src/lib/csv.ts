// The blacklist as CSV (RFC 4180): what, note, until. Reads what spreadsheets write: `;`, quotes, a BOM, a head, the
// letters of Windows.

import type { Blocked } from './api/types';

const HEAD = ['what', 'note', 'until'];

export function write(list: Blocked[]): string {
  const rows = list.map((entry) => [entry.what, entry.note, entry.until ?? ''].map(cell).join(','));
  return `\ufeff${[HEAD.join(','), ...rows].join('\r\n')}\r\n`;
}

// A cell that begins with a sign of a formula is text for a spreadsheet; numbers with + are what this list is about.
const cell = (text: string): string => {
  const safe = /^[=@\t]|^-(?!\d)/.test(text) ? `'${text}` : text;
  return /[",;\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** A cell without what {@link cell} put before it. */
const bare = (text: string): string => text.trim().replace(/^'(?=[=@\t-])/, '');

/** The text of a file: UTF-8, else windows-1251, which a Russian Excel writes. */
export function decode(bytes: BufferSource): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1251').decode(bytes);
  }
}

/** The entries of a file; lines without a number or network are left out. */
export function read(text: string): Blocked[] {
  const [first = ''] = text.split('\n');
  const separator = first.split(';').length > first.split(',').length ? ';' : ',';
  const rows = split(text.replace(/^\ufeff/, ''), separator);
  // What is blocked has a digit, or a dot or a colon of a network.
  const isHead = !/[\d.:]/.test(rows[0]?.[0] ?? '');
  return rows
    .slice(isHead ? 1 : 0)
    .map((row) => row.map(bare))
    .map(([what = '', note = '', until = '']) => ({ what, note: note.slice(0, 200), until: readDate(until) }))
    .filter(({ what }) => what !== '');
}

/** A day; what is none stays as it is, for the server to say so: it must not become «for ever». */
function readDate(text: string): string | null {
  const local = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text);
  if (local) return `${local[3]}-${local[2]?.padStart(2, '0')}-${local[1]?.padStart(2, '0')}`;
  return text || null;
}

function split(text: string, separator: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let now = '';
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const letter = text[i] ?? '';
    if (quoted) {
      if (letter !== '"') now += letter;
      else if (text[i + 1] === '"') (now += '"'), (i += 1);
      else quoted = false;
    } else if (letter === '"' && now === '') quoted = true;
    else if (letter === separator) (row.push(now), (now = ''));
    else if (letter === '\n') (row.push(now), rows.push(row), (row = []), (now = ''));
    else if (letter !== '\r') now += letter;
  }
  if (now !== '' || row.length) rows.push([...row, now]);
  return rows;
}
