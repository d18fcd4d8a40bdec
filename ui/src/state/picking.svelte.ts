// The people chosen in the list for a call together.

import { SvelteSet } from 'svelte/reactivity';
import { MEMBER_LIMIT } from './screens';

/** At most so many besides me. */
export const OTHERS_LIMIT = MEMBER_LIMIT - 1;

export class Picking {
  /** The list's rows choose people now, instead of showing them. */
  on = $state(false);
  readonly users = new SvelteSet<string>();

  get isFull(): boolean {
    return this.users.size >= OTHERS_LIMIT;
  }

  has(userId: string): boolean {
    return this.users.has(userId);
  }

  /** Everybody of these is chosen, and there is somebody. */
  hasAll(userIds: string[]): boolean {
    return userIds.length > 0 && userIds.every((userId) => this.users.has(userId));
  }

  /** Chooses somebody, or not any more; one too many is left out. */
  toggle(userId: string): void {
    this.on = true;
    if (!this.users.delete(userId) && !this.isFull) this.users.add(userId);
  }

  /** Chooses people as far as there is room; if all are chosen already, none of them any more. */
  toggleAll(userIds: string[]): void {
    this.on = true;
    const none = this.hasAll(userIds);
    for (const userId of userIds) {
      if (none) this.users.delete(userId);
      else if (!this.isFull) this.users.add(userId);
    }
  }

  stop(): void {
    this.on = false;
    this.users.clear();
  }
}
