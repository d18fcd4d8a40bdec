// Files that come in and go out.

import { asPealError, saveFile } from '../callkit';
import { say } from '../words/index.svelte';
import { toasts } from './toasts.svelte';

/** More than any address book; a file beyond it is read by mistake. */
const LARGEST_TEXT = 8 * 1024 * 1024;

/** The text of a file; fails if it is far too large to be one. */
export async function textOf(file: File): Promise<string> {
  if (file.size > LARGEST_TEXT) throw new Error('the file is too large');
  return file.text();
}

/** Makes a text, asks where to keep it under that name, and says so. */
export async function keep(name: string, make: () => Promise<string>): Promise<void> {
  try {
    if (await saveFile(name, await make())) toasts.show(say().toast.saved(name));
  } catch (thrown) {
    toasts.fail(asPealError(thrown));
  }
}
