// The history as it is asked for: the newest calls are in the snapshot, all others are searched.

import { searchHistory, type HistoryQuery, type RecordView } from '../callkit';
import { attempt } from './toasts.svelte';

/** Which calls the list shows. */
export type HistoryFilter = 'all' | 'missed' | 'completed' | 'rejected' | 'unanswered' | 'cancelled' | 'busy';

export const historyFilters: readonly HistoryFilter[] = [
  'all',
  'missed',
  'completed',
  'rejected',
  'unanswered',
  'cancelled',
  'busy',
];

/** So many calls at a time. */
export const PAGE = 100;
const PAUSE_MS = 120;

// What a person calls missed has three causes.
const queries: Record<HistoryFilter, HistoryQuery[]> = {
  all: [{}],
  missed: [
    { status: 'missed', direction: 'incoming' },
    { status: 'cancelled', direction: 'incoming' },
    { status: 'busy', direction: 'incoming' },
  ],
  completed: [{ status: 'completed' }],
  rejected: [{ status: 'rejected' }],
  unanswered: [{ status: 'missed', direction: 'outgoing' }],
  cancelled: [{ status: 'cancelled', direction: 'outgoing' }],
  busy: [{ status: 'busy', direction: 'outgoing' }],
};

export class HistorySearch {
  /** What was found; absent while the snapshot's calls are all that is wanted. */
  found: RecordView[] | null = $state.raw(null);
  /** So many are shown. */
  limit = $state(PAGE);
  /** There may be earlier ones. */
  hasMore = $state(false);
  private asked = 0;
  private question = '';

  /**
   * Searches for what is wanted, once nobody types any more; answers a function that gives it up. Made for `$effect`: a
   * new snapshot's calls search again.
   */
  look(text: string, filter: HistoryFilter, newest: RecordView[]): () => void {
    const query = text.trim();
    const turn = ++this.asked;
    // Another question begins with its newest calls.
    const question = `${filter} ${query}`;
    if (question !== this.question) this.limit = PAGE;
    this.question = question;
    const { limit } = this;
    // A snapshot with less than a page has them all.
    if (query === '' && filter === 'all' && (newest.length >= limit || newest.length < PAGE)) {
      this.found = null;
      this.hasMore = newest.length >= limit;
      return () => undefined;
    }
    const timer = setTimeout(() => void this.ask(turn, query, filter, limit), PAUSE_MS);
    return () => clearTimeout(timer);
  }

  /** Earlier calls are wanted too. */
  more(): void {
    this.limit += PAGE;
  }

  private async ask(turn: number, query: string, filter: HistoryFilter, limit: number): Promise<void> {
    await attempt(
      Promise.all(
        queries[filter].map((wanted) => searchHistory({ ...wanted, limit, ...(query && { query }) })),
      ).then((answers) => {
        // What was asked for later is what counts.
        if (turn !== this.asked) return;
        this.found = answers
          .flat()
          .sort((a, b) => b.started_at - a.started_at)
          .slice(0, limit);
        this.hasMore = answers.some((answer) => answer.length >= limit);
      }),
    );
  }
}
