// The elements of index.html by name, and a helper to create new ones.

const byId = (id) => document.getElementById(id);

export const page = {
  name: byId("name"),
  intro: byId("intro"),
  examples: byId("examples"),
  log: byId("log"),
  form: byId("composer"),
  question: byId("question"),
  ask: byId("ask"),
  stop: byId("stop"),
  newConversation: byId("new-conversation"),
  progress: byId("progress"),
  status: byId("status"),
  announcer: byId("announcer"),
  post: byId("post"),
  postTitle: byId("post-title"),
  postAddress: byId("post-address"),
  postText: byId("post-text"),
  postClose: byId("post-close"),
  access: byId("access"),
  accessForm: byId("access-form"),
  accessError: byId("access-error"),
  token: byId("token"),
};

export function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}
