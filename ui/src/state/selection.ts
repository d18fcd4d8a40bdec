// Who or what the list has chosen, and the detail shows.

import type { ContactView, PhoneView } from '../callkit';
import { contactOf } from './screens';

/** A person by account, a group by its id, or a group's call by its call id. */
export interface Selection {
  kind: 'person' | 'group' | 'record';
  id: string;
}

/** Somebody to show, and whether they are among the contacts. */
export type Person = ContactView & { listed: boolean };

export const isSelected = (selected: Selection | null, kind: Selection['kind'], id: string): boolean =>
  selected?.kind === kind && selected.id === id;

/** The person of an account: the contact, else what the history knows. */
export function personOf(view: PhoneView, userId: string): Person {
  const listed = contactOf(view, userId);
  if (listed) return { ...listed, listed: true };
  const known = view.history.find((record) => record.user_id === userId);
  return {
    user_id: userId,
    name: known?.name ?? userId,
    kind: 'person',
    presence: 'offline',
    nickname: '',
    gender: 'unknown',
    avatar_id: null,
    birthday: '',
    region: '',
    signature: '',
    address: '',
    note_name: '',
    note_text: '',
    is_no_disturb: false,
    is_in_black_list: false,
    is_friend: false,
    is_favorite: false,
    verified: 'unknown',
    devices: [],
    listed: false,
  };
}
