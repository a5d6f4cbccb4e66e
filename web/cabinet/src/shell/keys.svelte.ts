// Keys of the whole cabinet. Single letters can be switched off (WCAG 2.1.4).

import { router } from '../lib/router.svelte';

class Overlay {
  shown = $state<'' | 'search' | 'keys'>('');
  letters = $state(localStorage.getItem('letters') !== 'off');

  setLetters(on: boolean): void {
    this.letters = on;
    localStorage.setItem('letters', on ? 'on' : 'off');
  }
}

export const overlay = new Overlay();

/** Whether somebody is typing. */
export const isTyping = (event: KeyboardEvent): boolean =>
  event.target instanceof HTMLElement && (event.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName));

const GO: Record<string, string> = { o: 'overview', c: 'calls', a: 'analysis', s: 'sites', b: 'balance', t: 'team', m: 'company' };
/** Where a letter stands on a Russian keyboard: keys are places, not characters. */
const letterOf = (event: KeyboardEvent): string => (event.code.startsWith('Key') ? event.code.slice(3).toLowerCase() : event.key);

/** Listens for the keys of a company's cabinet. */
export function listen(c: string): () => void {
  let went = 0;
  const press = (event: KeyboardEvent): void => {
    const letter = letterOf(event);
    if ((event.ctrlKey || event.metaKey) && letter === 'k') {
      event.preventDefault();
      overlay.shown = 'search';
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !overlay.letters || document.querySelector('dialog[open]')) return;
    if (event.key === '/' || event.key === '?') {
      event.preventDefault();
      overlay.shown = event.key === '/' ? 'search' : 'keys';
    } else if (letter === 'g') {
      went = Date.now();
    } else if (Date.now() - went < 1_500 && GO[letter]) {
      went = 0;
      router.go(`/c/${c}/${GO[letter]}`);
    }
  };
  document.addEventListener('keydown', press);
  return () => document.removeEventListener('keydown', press);
}
