// What the dialog says. A language is two files: what is said before an order, and, with `call.ts`, what is said of it.
// `{name}` is filled in, `{seconds}` is what is promised.

/** A title, and what stands below it. */
export type Said = readonly [title: string, text: string];

/** Before an order. */
export interface Words {
  /** The file that shows a call, in this language. */
  call: string;
  title: string;
  text: string;
  plainText: string;
  phone: string;
  country: string;
  button: string;
  office: string;
  officeOpen: string;
  officeClosed: string;
  close: string;
  policy: string;
  privacy: string;
  sending: string;
  unsent: Said;
  again: string;
  later: string;
  onDay: string;
  closed: Said;
  busy: Said;
  callAt: string;
  errors: { empty: string; consent: string; invalid: string; refused: string; overloaded: string; unknown: string };
}

/** Of a call, and of how it ended. */
export interface CallWords {
  cancel: string;
  you: string;
  manager: string;
  second: string;
  states: Record<'accepted' | 'calling_manager' | 'late' | 'calling_visitor' | 'with' | 'waiting' | 'talking' | 'thanks' | 'cancelled' | 'offline', Said>;
  closeWindow: string;
  failures: Record<'manager' | 'visitor' | 'busy' | 'declined' | 'unreachable' | 'number' | 'line' | 'cut', Said>;
  againCut: string;
  fix: string;
  no: string;
  fine: string;
  booked: Said;
  undoBooked: string;
  score: Said;
  scoreEnds: readonly [poor: string, great: string];
  noScore: string;
}

/** Fills what stands in braces. */
export const fill = (text: string, values: Record<string, string>): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);

/** «29 секунд», as it stands after «через» or «за». */
export const seconds = (relative: Intl.RelativeTimeFormat, n: number): string => relative.formatToParts(n, 'second').slice(1).map(({ value }) => value).join('').replace(' ', '\u00a0');
