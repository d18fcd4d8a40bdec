// People's pictures: fetched once by their names, which belong to what they show.

import { SvelteMap } from 'svelte/reactivity';
import { avatar } from '../callkit';

class Pictures {
  /** What has arrived; null: there is none of that name. */
  private byId = new SvelteMap<string, string | null>();
  private asked = new Set<string>();

  /** A picture as a `data:` URL, if it is here. */
  of(avatarId: string | null): string | null {
    return avatarId === null ? null : (this.byId.get(avatarId) ?? null);
  }

  /** Fetches a picture, if it is not here. Made for `$effect`. */
  want(avatarId: string | null): void {
    if (avatarId === null || this.asked.has(avatarId)) return;
    this.asked.add(avatarId);
    avatar(avatarId).then(
      (picture) => this.byId.set(avatarId, picture),
      // Initials stand there meanwhile; the next who looks asks again.
      () => this.asked.delete(avatarId),
    );
  }

  /** Forgets everything, as before the start. */
  reset(): void {
    this.byId.clear();
    this.asked.clear();
  }
}

export const pictures = new Pictures();
