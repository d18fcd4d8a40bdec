// Which words belong to what the phone says.

import type {
  CallView,
  Connection,
  EndReason,
  ErrorCode,
  MemberView,
  PealError,
  RecordView,
} from '../callkit';
import { duration, list } from './format';
import { say, type Said } from './index.svelte';

/** The words for an error; one that a newer phone knows and this interface doesn't keeps the phone's own. */
export function errorSaid(error: PealError): Said {
  const known = (say().errors as Partial<Record<ErrorCode, Said>>)[error.code];
  return known ?? { title: error.message, hint: error.hint };
}

/** What is wrong with the connection, and whether it heals by itself. */
export function connectionSaid({ state, problem }: Connection): Said | undefined {
  if (!problem) return undefined;
  const { title, hint } = errorSaid(problem);
  return state === 'offline' ? { title, hint } : { title, hint: `${hint} ${say().keepsTrying}` };
}

/** Everyone else in a call, as one name: the group's, else theirs. */
export function callName(call: CallView): string {
  const here = call.members.filter((member) => member.state !== 'left');
  return call.group_name ?? shortList((here.length > 0 ? here : call.members).map((member) => member.name));
}

/** Two names as they are, more with the rest counted. */
export function shortList(names: string[]): string {
  return names.length <= 3
    ? list(names)
    : say().call.andOthers(names.slice(0, 2).join(say().call.comma), names.length - 2);
}

/** Who invites: the one who did, else the one who began the call. */
export function inviterOf(call: CallView): MemberView | undefined {
  const inviter = call.inviter ?? call.host;
  return call.members.find(({ user_id }) => user_id === inviter) ?? call.members[0];
}

/** Why a call ended, and what to do about it. */
export function endedSaid(call: CallView): Said {
  const reason = call.reason ?? 'error';
  const words = say();
  if (reason === 'hangup' && call.duration_ms) {
    return {
      title: words.ended.hangup[call.direction]('').title,
      hint: words.call.talked(duration(call.duration_ms)),
    };
  }
  if (call.members.length > 1 && call.direction === 'outgoing' && call.connected_at === null) {
    const forAll = (words.endedForAll as Partial<Record<EndReason, Said>>)[reason];
    if (forAll) return forAll;
  }
  const name = call.direction === 'incoming' ? (inviterOf(call)?.name ?? callName(call)) : callName(call);
  return words.ended[reason][call.direction](name);
}

/** Where somebody in a call stands, if there is anything to say about it. */
export function memberSaid(member: MemberView): string {
  const { states } = say().call;
  switch (member.state) {
    case 'inviting':
    case 'ringing':
    case 'connecting':
    case 'disconnected':
      return states[member.state];
    case 'joined':
      return member.on_hold ? states.held : '';
    case 'left':
      return say().reasons[member.reason ?? 'hangup'];
  }
}

type Recorded = Pick<RecordView, 'name' | 'members' | 'group_id' | 'group_name'>;

/** With whom a call of the history was. */
export function recordName(record: Recorded): string {
  if (record.group_name) return record.group_name;
  return isGroupRecord(record) ? shortList(record.members.map(({ name }) => name)) : record.name;
}

export const isGroupRecord = (record: Recorded): boolean =>
  record.members.length > 1 || record.group_id !== null;

/** One line of the history in words. */
export function recordSaid(record: RecordView): string {
  const words = say().record;
  if (record.direction === 'incoming' && record.reason === 'answered_elsewhere')
    return words.answeredElsewhere;
  if (record.direction === 'incoming' && record.reason === 'rejected_elsewhere')
    return words.rejectedElsewhere;
  if (record.status === 'completed') {
    return words.talked(words[record.direction], duration(record.duration_ms));
  }
  if (record.direction === 'outgoing' && record.status === 'missed') {
    switch (record.reason) {
      case 'unreachable':
        return words.unreachable;
      case 'ice_failed':
      case 'ice_lost':
      case 'device_failed':
      case 'incompatible':
      case 'kicked_out':
      case 'error':
        return words.failed;
      default:
        break;
    }
  }
  return words[record.status][record.direction];
}

/** A call that I would have wanted to take and did not. */
export function wasMissed(record: RecordView): boolean {
  return record.direction === 'incoming' && ['missed', 'cancelled', 'busy'].includes(record.status);
}

/** The part of an invite's message that is meant for a person: plain words, a JSON string, or a `text` field. */
export function messageText(message: string | null): string {
  if (message === null) return '';
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return message.trim();
  }
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string') {
    return value.text.trim();
  }
  // A number is words too if somebody typed only that.
  return typeof value === 'number' ? message.trim() : '';
}
