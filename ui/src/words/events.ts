// What happened, in one line.

import type { EndReason, PhoneEvent } from '../callkit';
import { say } from './index.svelte';
import { errorSaid, recordName, shortList } from './said';

/** Who is who: my own account, and everyone's name. */
export interface Who {
  me: string;
  name: (userId: string) => string;
}

/** One line about an event. */
export function eventSaid(event: PhoneEvent, who: Who): string {
  const words = say();
  const { happened } = words;
  const names = (users: string[]) => shortList(users.map((user) => who.name(user)));
  const why = (reason: EndReason) => words.reasons[reason];
  switch (event.event) {
    case 'connection_changed':
      return happened.connection_changed(words.connection[event.data.state]);
    case 'session_ended':
      return happened.session_ended(errorSaid(event.data).title);
    case 'error':
      return happened.error(errorSaid(event.data).title);
    case 'kicked_out':
    case 'media_disconnected':
    case 'voice_volume':
      return happened[event.event];
    case 'accepted_elsewhere':
    case 'rejected_elsewhere':
      return happened[event.event](event.data.device_name);
    case 'outgoing':
    case 'connecting':
    case 'connected': {
      const { inviter, inviting_members, joined_members } = event.data;
      const others = [...new Set([inviter, ...joined_members, ...inviting_members])];
      return happened[event.event](names(others.filter((user) => user !== who.me)));
    }
    case 'invited':
      return happened.invited(who.name(event.data.inviter));
    case 'ringing':
    case 'user_accepted':
    case 'user_rejected':
    case 'user_busy':
    case 'user_no_response':
    case 'user_cancelled':
    case 'call_timed_out':
    case 'user_entered':
    case 'user_disconnected':
    case 'media_change_refused':
    case 'stream_added':
    case 'stream_removed':
    case 'key_changed':
      return happened[event.event](who.name(event.data.user_id));
    case 'user_left':
      return happened.user_left(who.name(event.data.user_id), why(event.data.reason));
    case 'audio_available':
    case 'video_available':
      return happened[event.event][event.data.available ? 'on' : 'off'](who.name(event.data.user_id));
    case 'audio_muted':
    case 'video_muted':
      return happened[event.event][event.data.muted ? 'on' : 'off'](who.name(event.data.user_id));
    case 'held':
      return happened.held[event.data.on_hold ? 'on' : 'off'](who.name(event.data.user_id));
    case 'users_invited':
      return happened.users_invited(who.name(event.data.from_user), names(event.data.invited_users));
    case 'media_change_requested':
      return happened.media_change_requested(who.name(event.data.user_id), words.media[event.data.media]);
    case 'media_changed':
      return happened.media_changed(words.media[event.data.media]);
    case 'transferring':
      return happened.transferring(who.name(event.data.by), who.name(event.data.to));
    case 'transferred':
      return happened.transferred(who.name(event.data.to));
    case 'transfer_failed':
      return happened.transfer_failed(who.name(event.data.to), why(event.data.reason));
    case 'presence_changed':
      return happened.presence_changed(who.name(event.data.user_id), words.presence[event.data.presence]);
    case 'call_ended':
      return happened.call_ended(why(event.data.reason));
    case 'call_recorded':
      return happened.call_recorded(recordName(event.data));
  }
}
