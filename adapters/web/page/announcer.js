// Announces text to screen readers.

import { page } from "./elements.js";

const KEPT_MS = 4000;
let timer;

export function announce(text) {
  clearTimeout(timer);
  page.announcer.textContent = text;
  // Clear it, so that it is not read again when browsing the page.
  timer = setTimeout(() => { page.announcer.textContent = ""; }, KEPT_MS);
}
