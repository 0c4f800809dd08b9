// Calls to the server's JSON API, and the errors it returns.

import { authorization, refused } from "./access.js";
import { serverSentEvents } from "./event-stream.js";
import { text } from "./texts.js";

export class Refusal extends Error {}
export class Locked extends Refusal {}

async function call(path, options) {
  const access = authorization();
  const headers = { ...options?.headers, ...access };
  const response = await fetch(`./api/${path}`, { cache: "no-store", ...options, headers });
  if (response.ok) return response;
  if (response.status === 401) {
    refused(access.Authorization);
    throw new Locked(text("tokenRequired"));
  }
  // A proxy may respond with an HTML page.
  const { error } = await response.json().catch(() => ({}));
  throw new Refusal(error ?? text("serverError", { status: response.status }));
}

function post(path, body, { headers, signal } = {}) {
  return call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal,
  });
}

export async function* answerEvents(question, conversation, signal) {
  const headers = { Accept: "text/event-stream" };
  const response = await post("ask", { question, conversation }, { headers, signal });
  yield* serverSentEvents(response.body);
}

export async function forget(conversation) {
  await post("forget", { conversation });
}

export async function readStatus() {
  return (await call("status")).json();
}

export async function readPost(url) {
  return (await call(`post?url=${encodeURIComponent(url)}`)).json();
}
