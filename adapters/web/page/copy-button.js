// Buttons that copy text to the clipboard.

import { announce } from "./announcer.js";
import { element } from "./elements.js";
import { text } from "./texts.js";

const SHOWN_MS = 1600;

export function copyButton(className, ariaLabel, copied) {
  const button = element("button", { type: "button", className: `${className} quiet`, ariaLabel }, text("copy"));
  button.addEventListener("click", async () => {
    button.textContent = text(await copy(copied(), button).then(() => "copied", () => "copyFailed"));
    announce(`${button.textContent}.`);
    setTimeout(() => { button.textContent = text("copy"); }, SHOWN_MS);
  });
  return button;
}

async function copy(content, button) {
  // The clipboard API is not available over plain HTTP.
  if (navigator.clipboard) return navigator.clipboard.writeText(content);
  const holder = element("textarea", { value: content, className: "unseen" });
  // Next to the button, because nothing outside an open dialog can be selected.
  button.after(holder);
  holder.select();
  const copied = document.execCommand("copy");
  holder.remove();
  button.focus();
  if (!copied) throw new Error("not copied");
}
