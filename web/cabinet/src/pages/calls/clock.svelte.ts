// The seconds that pass while calls are watched. It ticks once a second, and only while somebody looks.

import { createSubscriber } from 'svelte/reactivity';

class Clock {
  #watched = createSubscriber((tick) => {
    const timer = setInterval(tick, 1_000);
    return () => clearInterval(timer);
  });

  /** Whole seconds since an instant. */
  since(at: string): number {
    this.#watched();
    return Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000));
  }
}

export const clock = new Clock();
