// What happened once and goes away by itself.

import { asPealError, on, type PhoneEvent, type Unsubscribe } from '../callkit';
import { eventSaid } from '../words/events';
import { say, type Said } from '../words/index.svelte';
import { errorSaid, messageText } from '../words/said';
import { people } from './people.svelte';
import { phone } from './phone.svelte';

export interface Toast {
  id: number;
  said: Said;
  tone: 'bad' | 'plain';
}

const SHOWN_AT_ONCE = 3;

class Toasts {
  all: Toast[] = $state.raw([]);
  private next = 1;
  /** What banners say as long as it is so. */
  private standing: string[] = [];

  show(said: Said, tone: Toast['tone'] = 'plain'): void {
    if (this.standing.includes(said.title)) return;
    // The same words twice say no more than once.
    const others = this.all.filter((toast) => toast.said.title !== said.title);
    this.all = [...others, { id: this.next++, said, tone }].slice(-SHOWN_AT_ONCE);
  }

  /** A banner says so: no toast repeats it until the answered function is called. */
  stands(title: string): () => void {
    this.standing.push(title);
    this.all = this.all.filter((toast) => toast.said.title !== title);
    return () => this.standing.splice(this.standing.indexOf(title), 1);
  }

  fail(thrown: unknown): void {
    const error = asPealError(thrown);
    // Whoever closed the desktop's own dialog knows.
    if (error.code !== 'not_picked') this.show(errorSaid(error), 'bad');
  }

  dismiss(id: number): void {
    this.all = this.all.filter((toast) => toast.id !== id);
  }

  /** Shows what the phone's events say; answers a function that stops it. */
  listen(): Unsubscribe {
    const tell = (event: PhoneEvent) => this.show({ title: eventSaid(event, people), hint: '' });
    const stops = [
      on('error', (error) => this.show(errorSaid(error), 'bad')),
      on('accepted_elsewhere', (data) => tell({ event: 'accepted_elsewhere', data })),
      on('rejected_elsewhere', (data) => tell({ event: 'rejected_elsewhere', data })),
      on('users_invited', (data) => {
        if (data.from_user !== people.me) tell({ event: 'users_invited', data });
      }),
      on('user_rejected', (data) => {
        // In a call of two it stands where the call has ended.
        const call = phone.view?.calls.find(({ call_id }) => call_id === data.call_id);
        const hint = messageText(data.message);
        if (hint && call && call.members.length > 1)
          this.show({ title: eventSaid({ event: 'user_rejected', data }, people), hint });
      }),
      on('media_changed', (data) => tell({ event: 'media_changed', data })),
      on('media_change_refused', (data) => tell({ event: 'media_change_refused', data })),
      on('transferring', ({ by, to }) => {
        if (by !== people.me) this.show(say().toast.youWereHandedOver(people.name(by), people.name(to)));
      }),
      on('transferred', (data) => tell({ event: 'transferred', data })),
      on('transfer_failed', ({ to, reason }) => {
        this.show(say().toast.transferFailed(people.name(to), say().reasons[reason]));
      }),
      on('key_changed', ({ user_id }) => this.show(say().toast.keyChanged(people.name(user_id)), 'bad')),
    ];
    return () => stops.forEach((stop) => stop());
  }
}

export const toasts = new Toasts();

/** Does what a button asks for; what goes wrong is said in a toast. Answers whether it went well. */
export async function attempt(action: Promise<unknown>): Promise<boolean> {
  return (await outcome(action)) !== undefined;
}

/** The same, for what answers something: that, or nothing if it went wrong. */
export async function outcome<T>(action: Promise<T>): Promise<{ value: T } | undefined> {
  try {
    return { value: await action };
  } catch (thrown) {
    toasts.fail(thrown);
    return undefined;
  }
}
