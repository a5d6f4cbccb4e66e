// What the dialog says. A language is a file of these; `{name}` is filled in, `{seconds}` is what is promised.

export interface Words {
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
  cancel: string;
  you: string;
  manager: string;
  second: string;
  policy: string;
  states: Record<'sending' | 'accepted' | 'calling_manager' | 'late' | 'calling_visitor' | 'with' | 'waiting' | 'talking' | 'thanks' | 'cancelled' | 'offline' | 'unsent', [title: string, text: string]>;
  closeWindow: string;
  failures: Record<'manager' | 'visitor' | 'busy' | 'declined' | 'unreachable' | 'number' | 'line' | 'cut', [title: string, text: string]>;
  again: string;
  againCut: string;
  fix: string;
  later: string;
  no: string;
  fine: string;
  onDay: string;
  closed: [title: string, text: string];
  busy: [title: string, text: string];
  callAt: string;
  booked: [title: string, text: string];
  undoBooked: string;
  score: [title: string, text: string];
  scoreEnds: [poor: string, great: string];
  noScore: string;
  privacy: string;
  errors: { empty: string; consent: string; invalid: string; refused: string; overloaded: string; unknown: string };
}

/** Fills what stands in braces. */
export const fill = (text: string, values: Record<string, string>): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);

/** «29 секунд», as it stands after «через» or «за». */
export const seconds = (relative: Intl.RelativeTimeFormat, n: number): string => relative.formatToParts(n, 'second').slice(1).map(({ value }) => value).join('').replace(' ', '\u00a0');
