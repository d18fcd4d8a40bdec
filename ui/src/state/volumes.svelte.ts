// How loud I let everyone be, as long as this window lives: the phone keeps what it was told.

import { SvelteMap } from 'svelte/reactivity';
import { setVolume } from '../callkit';
import { attempt } from './toasts.svelte';

export const LOUDEST_DB = 12;
export const SOFTEST_DB = -40;

class Volumes {
  private byAccount = new SvelteMap<string, number>();

  /** dB; 0 is as they are. */
  of(userId: string): number {
    return this.byAccount.get(userId) ?? 0;
  }

  set(userId: string, db: number): void {
    this.byAccount.set(userId, db);
    void attempt(setVolume(userId, db));
  }

  reset(): void {
    this.byAccount.clear();
  }
}

export const volumes = new Volumes();
