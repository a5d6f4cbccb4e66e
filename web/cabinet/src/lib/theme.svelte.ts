// The reader's theme: the system's, or one of his own. theme.js sets it before the first paint.

export type Theme = 'system' | 'light' | 'dark';

let chosen = $state<Theme>(read());

function read(): Theme {
  const kept = localStorage.getItem('theme');
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export const theme = (): Theme => chosen;

export function setTheme(next: Theme): void {
  chosen = next;
  if (next === 'system') {
    localStorage.removeItem('theme');
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem('theme', next);
    document.documentElement.dataset.theme = next;
  }
}
