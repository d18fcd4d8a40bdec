// The snapshot that every screen is a function of.

import { asPealError, onView, snapshot, type PealError, type PhoneView, type Unsubscribe } from '../callkit';

class Phone {
  /** The newest snapshot; absent until the first has arrived. */
  view: PhoneView | null = $state.raw(null);
  /** Why there is no snapshot. */
  failure: PealError | null = $state.raw(null);

  /** Listens first and asks then, so that nothing falls between; answers a function that stops listening. */
  async start(): Promise<Unsubscribe> {
    this.failure = null;
    let stop: Unsubscribe = () => undefined;
    try {
      stop = await onView((view) => this.take(view));
      this.take(await snapshot());
    } catch (thrown) {
      this.failure = asPealError(thrown);
    }
    return stop;
  }

  take(view: PhoneView): void {
    this.view = newest(this.view, view);
  }

  /** Forgets everything, as before the start. */
  reset(): void {
    this.view = null;
    this.failure = null;
  }
}

export const phone = new Phone();

/** The snapshot with the higher revision. */
export function newest(held: PhoneView | null, arrived: PhoneView): PhoneView {
  return held && held.revision >= arrived.revision ? held : arrived;
}
