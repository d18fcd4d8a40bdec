// Which words belong to what the phone says.

import type { CallView, Connection, ErrorCode, PealError, RecordView } from '../callkit';
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

/** Everyone else in a call, as one name. */
export function callName(call: CallView): string {
  return list(call.members.map((member) => member.name));
}

/** Why a call ended, and what to do about it. */
export function endedSaid(call: CallView): Said {
  const said = say().ended[call.reason ?? 'error'][call.direction](callName(call));
  if (call.reason === 'hangup' && call.duration_ms) {
    return { title: said.title, hint: say().call.talked(duration(call.duration_ms)) };
  }
  return said;
}

/** One line of the history in words. */
export function recordSaid(record: RecordView): string {
  const words = say().record;
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
