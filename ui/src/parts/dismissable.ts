import type { Attachment } from 'svelte/attachments';

/**
 * For a panel that lies over the page: Escape in it closes it and gives the keyboard back, and so does a press anywhere
 * else, without the keyboard.
 */
export function dismissable(
  close: (giveBack: boolean) => void,
  opener: () => HTMLElement | undefined,
): Attachment<HTMLElement> {
  return (panel) => {
    const keydown = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      close(true);
    };
    const pointerdown = ({ target }: PointerEvent) => {
      if (target instanceof Node && !panel.contains(target) && !opener()?.contains(target)) close(false);
    };
    panel.addEventListener('keydown', keydown);
    window.addEventListener('pointerdown', pointerdown);
    return () => {
      panel.removeEventListener('keydown', keydown);
      window.removeEventListener('pointerdown', pointerdown);
    };
  };
}
