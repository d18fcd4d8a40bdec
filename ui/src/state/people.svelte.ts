// Who is who, for everything that has only an account.

import type { ContactView } from '../callkit';
import { say } from '../words/index.svelte';
import { phone } from './phone.svelte';

class People {
  private byAccount: Map<string, ContactView> = $derived(
    new Map(phone.view?.contacts.map((contact) => [contact.user_id, contact])),
  );

  /** The contact of that account, if it is listed. */
  of(userId: string): ContactView | undefined {
    return this.byAccount.get(userId);
  }

  /** My own account. */
  get me(): string {
    return phone.view?.account?.user_id ?? '';
  }

  /** The name that others see of me. */
  get myName(): string {
    return phone.view?.account?.display_name ?? '';
  }

  /** The name to show: a contact's, else one that a call or the history knows, else the account. */
  name(userId: string): string {
    if (userId === this.me) return say().call.you;
    const known = this.of(userId)?.name;
    if (known !== undefined) return known;
    for (const { members } of phone.view?.calls ?? []) {
      const member = members.find(({ user_id }) => user_id === userId);
      if (member) return member.name;
    }
    return phone.view?.history.find(({ user_id }) => user_id === userId)?.name ?? userId;
  }

  /** The name of their picture, if they have one. */
  avatarId(userId: string): string | null {
    if (userId !== '' && userId === this.me) return phone.view?.profile.avatar_id ?? null;
    return this.of(userId)?.avatar_id ?? null;
  }
}

export const people = new People();
