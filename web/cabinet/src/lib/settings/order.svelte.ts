// The order of a list: dragged by a handle with the pointer, or picked up with Space and moved with ↑ ↓.

import { moved } from '../draft-logic';
import { t } from '../i18n/index.svelte';

export class Order<T> {
  /** The item that the keyboard has picked up. */
  lifted = $state<number | null>(null);
  /** The item under the pointer's hand, and where it would land. */
  dragged = $state<number | null>(null);
  target = $state<number | null>(null);
  said = $state('');
  #node: HTMLElement | null = null;
  #before: T[] = [];
  #moving = false;

  constructor(
    readonly list: () => T[],
    readonly change: (list: T[]) => void,
    readonly name: (item: T) => string,
  ) {}

  /** The element whose children are the items. */
  rows = (node: HTMLElement): void => {
    this.#node = node;
  };

  move(from: number, to: number): void {
    const item = this.list()[from];
    if (from === to || item === undefined) return;
    this.change(moved(this.list(), from, to));
    this.said = t('order.moved', { name: this.name(item), n: to + 1, m: this.list().length });
  }

  key(event: KeyboardEvent, i: number): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      if (this.lifted === null) this.#lift(i);
      else this.drop(true);
    } else if (event.key === 'Escape' && this.lifted !== null) {
      event.preventDefault();
      this.change(this.#before);
      this.said = t('order.cancelled');
      this.lifted = null;
    } else if (step !== undefined && this.lifted === i) {
      event.preventDefault();
      const to = i + step;
      if (to < 0 || to >= this.list().length) return;
      this.#moving = true;
      this.move(i, to);
      this.lifted = to;
      // Items keep their places and change what is in them: the focus goes to the handle of the new place.
      requestAnimationFrame(() => {
        this.#handle(to)?.focus();
        this.#moving = false;
      });
    }
  }

  drop(isSaid = false): void {
    if (this.#moving || this.lifted === null) return;
    const item = this.list()[this.lifted];
    if (isSaid && item !== undefined) this.said = t('order.dropped', { name: this.name(item), n: this.lifted + 1 });
    this.lifted = null;
  }

  grab(event: PointerEvent, i: number): void {
    if (event.button !== 0) return;
    const handle = event.currentTarget as HTMLElement;
    handle.setPointerCapture(event.pointerId);
    [this.dragged, this.target] = [i, i];
    const over = (moving: PointerEvent): void => {
      const tops = [...(this.#node?.children ?? [])].map((row) => row.getBoundingClientRect());
      const found = tops.findIndex((box) => moving.clientY < box.top + box.height / 2);
      this.target = found < 0 ? this.list().length : found;
    };
    const end = (): void => {
      handle.removeEventListener('pointermove', over);
      const [from, to] = [this.dragged, this.target];
      [this.dragged, this.target] = [null, null];
      if (from !== null && to !== null) this.move(from, to > from ? to - 1 : to);
    };
    handle.addEventListener('pointermove', over);
    handle.addEventListener('pointerup', end, { once: true });
    handle.addEventListener('pointercancel', () => ([this.dragged, this.target] = [null, null]), { once: true });
  }

  #lift(i: number): void {
    const item = this.list()[i];
    if (item === undefined) return;
    this.#before = this.list();
    this.lifted = i;
    this.said = t('order.lifted', { name: this.name(item), n: i + 1, m: this.list().length });
  }

  #handle(i: number): HTMLElement | null {
    return this.#node?.children[i]?.querySelector('.h') ?? null;
  }
}
