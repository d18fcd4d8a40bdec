// What happened once and goes away by itself.

import { asPealError, on, type Unsubscribe } from '../callkit';
import { say, type Said } from '../words/index.svelte';
import { errorSaid } from '../words/said';

export interface Toast {
  id: number;
  said: Said;
  tone: 'bad' | 'plain';
}

const SHOWN_AT_ONCE = 3;

class Toasts {
  all: Toast[] = $state.raw([]);
  private next = 1;

  show(said: Said, tone: Toast['tone'] = 'plain'): void {
    // The same words twice say no more than once.
    const others = this.all.filter((toast) => toast.said.title !== said.title);
    this.all = [...others, { id: this.next++, said, tone }].slice(-SHOWN_AT_ONCE);
  }

  fail(thrown: unknown): void {
    this.show(errorSaid(asPealError(thrown)), 'bad');
  }

  dismiss(id: number): void {
    this.all = this.all.filter((toast) => toast.id !== id);
  }

  /** Shows what the phone's events say; answers a function that stops it. */
  listen(): Unsubscribe {
    const stops = [
      on('error', (error) => this.show(errorSaid(error), 'bad')),
      on('accepted_elsewhere', () => this.show(say().toast.answeredElsewhere)),
      on('rejected_elsewhere', () => this.show(say().toast.rejectedElsewhere)),
    ];
    return () => stops.forEach((stop) => stop());
  }
}

export const toasts = new Toasts();

/** Does what a button asks for; what goes wrong is said in a toast. Answers whether it went well. */
export async function attempt(action: Promise<unknown>): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (thrown) {
    toasts.fail(thrown);
    return false;
  }
}
