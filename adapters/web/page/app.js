// Entry point: connects user input to the modules that handle it.

import { ask, isRunning, restore, save, startNewConversation, stop } from "./conversation.js";
import { follow, trackScroll } from "./autoscroll.js";
import { page } from "./elements.js";
import { highlight } from "./footnotes.js";
import { openPost } from "./post-dialog.js";
import { refreshStatus } from "./status.js";

function submit() {
  const question = page.question.value.trim();
  if (isRunning() || !question) return;
  page.question.value = "";
  fitQuestion();
  ask(question);
}

function fitQuestion() {
  page.question.style.height = "auto";
  page.question.style.height = `${page.question.scrollHeight}px`;
}

page.form.addEventListener("submit", (event) => {
  event.preventDefault();
  page.question.focus();
  submit();
});

page.question.addEventListener("input", fitQuestion);
page.question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});

page.stop.addEventListener("click", stop);
page.newConversation.addEventListener("click", startNewConversation);

page.examples.addEventListener("click", ({ target }) => {
  if (!target.matches("button")) return;
  page.question.focus({ preventScroll: true });
  ask(target.textContent);
});

// `auxclick` is the middle button, which would open an address that the server does not serve.
for (const type of ["click", "auxclick"]) {
  page.log.addEventListener(type, (event) => {
    const link = event.target.closest(".post-link");
    if (!link) return;
    event.preventDefault();
    if (type === "click") openPost(link.getAttribute("href"));
  });
}
for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) page.log.addEventListener(type, highlight);

page.postClose.addEventListener("click", () => page.post.close());
page.post.addEventListener("click", (event) => {
  // Header and text fill the dialog, so the target is the dialog itself only on its backdrop.
  if (event.target === page.post) page.post.close();
});

addEventListener("keydown", (event) => {
  if (page.post.open || page.access.open) return;
  if (event.key === "Escape" && isRunning()) {
    event.preventDefault();
    stop();
  }
  if (event.key === "/" && event.target !== page.question && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    page.question.focus();
  }
});

document.addEventListener("access", refreshStatus);
addEventListener("scroll", trackScroll, { passive: true });
addEventListener("pagehide", save);
addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") refreshStatus();
});
new ResizeObserver(() => follow()).observe(document.body);

restore();
refreshStatus();
page.question.focus({ preventScroll: true });
