// Buttons that copy text to the clipboard.

import { announce } from "./announcer.js";
import { element } from "./elements.js";

const SHOWN_MS = 1600;

export function copyButton(className, ariaLabel, text) {
  const button = element("button", { type: "button", className: `${className} quiet`, ariaLabel }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = await copy(text(), button).then(() => "Copied", () => "Copy failed");
    announce(`${button.textContent}.`);
    setTimeout(() => { button.textContent = "Copy"; }, SHOWN_MS);
  });
  return button;
}

async function copy(text, button) {
  // The clipboard API is not available over plain HTTP.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const holder = element("textarea", { value: text, className: "unseen" });
  // Next to the button, because nothing outside an open dialog can be selected.
  button.after(holder);
  holder.select();
  const copied = document.execCommand("copy");
  holder.remove();
  button.focus();
  if (!copied) throw new Error("not copied");
}
