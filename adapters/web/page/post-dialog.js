// The dialog for posts that have no public address.

import { readPost, Refusal } from "./api.js";
import { page } from "./elements.js";
import { renderPost } from "./markdown.js";
import { text as translated } from "./texts.js";

export async function openPost(url) {
  page.postTitle.textContent = translated("opening");
  page.postAddress.textContent = url;
  page.postText.replaceChildren();
  page.post.showModal();
  page.postText.focus();
  // Another post may have been opened meanwhile.
  const stillWanted = () => page.postAddress.textContent === url;
  try {
    const post = await readPost(url);
    if (stillWanted()) showPost(post);
  } catch (error) {
    const sentence = error instanceof Refusal ? error.message : translated("notOpened");
    if (stillWanted()) page.postTitle.textContent = sentence;
  }
}

function showPost({ title, text, url }) {
  page.postTitle.textContent = title || url;
  const fragment = renderPost(text);
  const first = fragment.firstElementChild;
  if (first?.matches("h1, h2, h3") && first.textContent.trim() === title) first.remove();
  page.postText.replaceChildren(fragment);
  page.postText.scrollTop = 0;
}
