// What happened lately, for whoever looks for a fault. It is kept in memory alone.

import { on, type EventName, type PhoneEvent, type Unsubscribe } from '../callkit';
import { eventSaid } from '../words/events';
import { say } from '../words/index.svelte';
import { people } from './people.svelte';

/** One line: when, which event, and what it means. */
export interface Happening {
  id: number;
  at: number;
  event: EventName;
  said: string;
}

const KEPT = 50;

export class Activity {
  /** Newest first. */
  all: Happening[] = $state.raw([]);
  private next = 1;

  /** Writes down every event; answers a function that stops it. Made for `$effect`. */
  listen(): Unsubscribe {
    // Levels come several times a second.
    const names = (Object.keys(say().happened) as EventName[]).filter((name) => name !== 'voice_volume');
    const stops = names.map((name) => this.follow(name));
    return () => stops.forEach((stop) => stop());
  }

  private follow(event: EventName): Unsubscribe {
    return on(event, (data: unknown) => {
      const said = eventSaid({ event, data } as PhoneEvent, people);
      this.all = [{ id: this.next++, at: Date.now(), event, said }, ...this.all].slice(0, KEPT);
    });
  }
}
