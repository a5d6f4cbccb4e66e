// One message at a time at the bottom left, with its undo. A second one takes the place of the first.

interface Toast {
  text: string;
  action?: { label: string; run: () => void } | undefined;
}

class Toasts {
  shown = $state.raw<Toast | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string, action?: Toast['action']): void {
    this.shown = { text, action };
    this.resume();
  }

  /** The reader looks at it: it stays. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  resume(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), 6_000);
  }

  /** Does what is offered; what that says comes after this message. */
  act(): void {
    const action = this.shown?.action;
    this.close();
    action?.run();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.shown = null;
  }
}

export const toasts = new Toasts();
