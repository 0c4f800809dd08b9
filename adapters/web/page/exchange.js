// A question and its answer, through the states searching, writing, answered or failed.

import { follow } from "./autoscroll.js";
import { copyButton } from "./copy-button.js";
import { element } from "./elements.js";
import { footnoteList, linkedMarks, nearestList, setMarks } from "./footnotes.js";
import { renderAnswer } from "./markdown.js";
import { patch, placeCaret, steady } from "./partial-markdown.js";
import { number, plural, text } from "./texts.js";

export const CONNECTION_LOST = text("connectionLost");

export class Exchange {
  constructor(question, tryAgain) {
    this.question = question;
    this.tryAgain = tryAgain;
    this.article = element("article", { className: "answer", ariaLabel: question });
    const asked = element("h2", { className: "asked" }, question);
    this.node = element("section", { className: "exchange" }, asked, this.article);
    this.begin();
  }

  begin() {
    this.written = "";
    this.cited = [];
    this.answer = null;
    this.failure = null;
    this.headings = {};
    this.progress = element("p", { className: "progress" }, text("searching"));
    this.text = element("div", { className: "prose" });
    this.article.replaceChildren(this.progress, this.text);
    this.setState("searching");
  }

  setState(state) {
    this.state = state;
    this.article.dataset.state = state;
    this.article.ariaBusy = state === "searching" || state === "writing";
    if (state !== "searching") this.progress.remove();
  }

  found(passages) {
    for (const { url, title, heading } of passages) {
      if (heading && heading !== title) this.headings[url] ??= heading;
    }
    const titles = [...new Set(passages.map((passage) => passage.title))];
    if (!titles.length) return;
    const values = { titles: titles.slice(0, 2).join(", "), count: number(titles.length - 2) };
    this.progress.textContent = text(titles.length > 2 ? "readingMore" : "reading", values);
  }

  think() {
    this.progress.textContent = text("thinking");
  }

  wrote(text, sources = []) {
    this.written += text;
    this.cited.push(...sources);
    this.setState("writing");
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      if (this.state === "writing") this.showUnfinished();
    });
  }

  /** Takes back what turned out to be a thought of the model. */
  retract() {
    const { headings } = this;
    this.begin();
    this.headings = headings;
    this.think();
  }

  showUnfinished() {
    const fragment = renderAnswer(steady(this.written), this.cited);
    placeCaret(fragment);
    this.show(fragment, this.cited);
    follow();
  }

  show(fragment, sources) {
    setMarks(fragment, linkedMarks(sources));
    patch(this.text, fragment);
  }

  finish(answer) {
    this.answer = answer;
    this.setState("answered");
    const { sources, nearest, timings_ms } = answer;
    this.show(renderAnswer(answer.answer, sources), sources);
    if (sources.length) this.article.append(footnoteList(sources, this.headings));
    if (nearest.length) this.article.append(nearestList(nearest, this.headings));
    const copy = copyButton("copy-answer", text("copyAnswer"), () => this.copied);
    const timing = element("span", { className: "timing" }, text("seconds", { seconds: number(timings_ms.total / 1000, 1) }));
    this.article.append(element("footer", { className: "actions" }, copy, timing));
  }

  fail(sentence, id) {
    this.failure = { sentence, id };
    this.setState("failed");
    this.show(renderAnswer(this.written, this.cited), this.cited);
    const shown = element("p", {}, sentence);
    if (id) shown.append(" ", element("span", { className: "reference" }, text("reference", { id })));
    const again = element("button", { type: "button", className: "try-again quiet" }, text("tryAgain"));
    again.addEventListener("click", this.tryAgain);
    this.article.append(element("div", { className: "failure" }, shown, again));
  }

  get copied() {
    const { answer, sources } = this.answer;
    if (!sources.length) return answer;
    return `${answer}\n\n${sources.map(({ number, title, url }) => `[${number}] ${title}, ${url}`).join("\n")}\n`;
  }

  get spoken() {
    if (this.failure) return this.failure.sentence;
    const text = this.text.cloneNode(true);
    text.querySelectorAll(".mark, button").forEach((node) => node.remove());
    const count = this.answer.sources.length;
    return `${text.textContent.trim()} ${count ? `${plural("footnotes", count)}.` : ""}`;
  }

  toJSON() {
    const { question, written, cited, answer, failure, headings } = this;
    return { question, written, cited, answer, failure, headings };
  }

  restore({ written, cited = [], answer, failure, headings }) {
    Object.assign(this, { written, cited, headings });
    if (answer) this.finish(answer);
    // Neither: the answer was still running when the page was closed.
    else this.fail(failure?.sentence ?? CONNECTION_LOST, failure?.id);
  }
}
