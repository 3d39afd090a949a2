/* The channel: draw what Slack shows, again where it changed; send a click on the message as shown. */

import { confirmed, drawBlock, drawMrkdwn, formatTime, make } from "./blocks.js";
import { isSelected, notify, refresh, selectFinding } from "./panel.js";

const channel = document.getElementById("channel");
const currentUser = () => document.querySelector("#people input:checked").value;
const findingOf = message => message.metadata?.event_payload?.finding_id;
const drawn = new Map();

async function click(message, element, choice) {
  if (element.confirm && !await confirmed(element.confirm)) return;
  select(findingOf(message));
  const body = { ts: message.ts, edits: message.edits, action_id: element.action_id, user: currentUser(), choice };
  const article = document.querySelector(`[data-ts="${message.ts}"]`);
  article?.classList.add("busy");
  const response = await fetch("click", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const { status, error } = await response.json();
  article?.classList.remove("busy");
  notify(status === 200 ? "" : `⚠ ${error ?? `The app responded with HTTP status ${status}`}.`);
  await draw();
}

function drawAvatar() {
  const square = make("div", "avatar", "M");
  square.ariaHidden = "true";
  return square;
}

function drawPost(message, kind, ...content) {
  const time = make("time", "", formatTime(new Date(1000 * message.ts)));
  const author = make("div", "author", make("b", "", "Macie ChatOps"), make("span", "badge", "APP"), time);
  const article = make("article", kind, drawAvatar(), make("div", "body", author, ...content));
  article.dataset.ts = message.ts;
  return article;
}

function drawMessage(message) {
  const act = (element, choice) => click(message, element, choice);
  const content = message.blocks.length ? message.blocks.map(block => drawBlock(block, act)) : [make("div", "block", ...drawMrkdwn(message.text))];
  if (message.edits) content.push(make("span", "edited", "(edited)"));
  const article = drawPost(message, message.thread_ts ? "message reply" : "message", ...content);
  const finding = findingOf(message);
  if (finding) {
    const history = make("button", "history", "History");
    history.title = "Show this finding's history in the ledger";
    article.append(history);
    article.onclick = event => {
      if (event.target === history || !event.target.closest("a, button, select")) select(finding);
    };
    article.dataset.finding = finding;
  }
  return article;
}

function drawEphemeral(reply) {
  return drawPost(reply, "message private", make("small", "", "👁 Only visible to you"), make("div", "block", ...drawMrkdwn(reply.text)));
}

function select(finding) {
  selectFinding(finding);
  markSelected();
}

function markSelected() {
  for (const article of channel.children) article.classList.toggle("selected", isSelected(article.dataset.finding));
}

/* Put replies below their message, and ephemeral replies in the order of their time. */
function sortPosts(state) {
  const place = post => [post.thread_ts ?? post.ts, post.ts];
  const replies = state.ephemerals.filter(reply => reply.user === currentUser());
  const posts = [...state.messages.map(message => [message, drawMessage]), ...replies.map(reply => [reply, drawEphemeral])];
  return posts.sort(([a], [b]) => place(a)[0].localeCompare(place(b)[0]) || place(a)[1].localeCompare(place(b)[1]));
}

function drawOnce([post, render]) {
  const json = JSON.stringify(post);
  const previous = drawn.get(post.ts);
  if (previous?.json === json) return previous.article;
  const article = render(post);
  drawn.set(post.ts, { json, article });
  return article;
}

let previousState = "";
async function draw() {
  const state = await (await fetch("state")).json();
  const json = JSON.stringify([state, currentUser()]);
  if (json === previousState) return;
  const main = document.querySelector("main");
  const isAtEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 80;
  const previousCount = channel.childElementCount;
  const articles = sortPosts(state).map(drawOnce);
  articles.forEach((article, place) => channel.children[place] !== article && channel.insertBefore(article, channel.children[place]));
  while (channel.childElementCount > articles.length) channel.lastElementChild.remove();
  document.getElementById("empty").hidden = articles.length > 0;
  previousState = json;
  const newest = channel.childElementCount > previousCount && articles.at(-1);
  if (newest && isAtEnd) main.scrollTop = main.scrollHeight;
  if (newest && newest.matches(".private")) newest.scrollIntoView({ block: "nearest" });
  await refresh(state.messages);
  markSelected();
}

function drawLater() {
  const milliseconds = document.hidden ? 3000 : 500;
  setTimeout(async () => {
    await draw().catch(() => notify("⚠ The sandbox does not respond. Has it ended?"));
    drawLater();
  }, milliseconds);
}

document.getElementById("people").onchange = draw;
document.addEventListener("visibilitychange", () => document.hidden || draw());
draw().finally(drawLater);
