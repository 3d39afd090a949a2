/* The channel: what Slack shows, redrawn where it changed; a click is sent on what is shown. */

import { agreed, block, clock, make, mrkdwn } from "./blocks.js";
import { choose, isChosen, refresh, tell } from "./panel.js";

const channel = document.getElementById("channel");
const user = () => document.querySelector("#people input:checked").value;
const drawn = new Map();

async function click(message, element, choice) {
  if (element.confirm && !await agreed(element.confirm)) return;
  pick(message.metadata?.event_payload?.finding_id);
  const body = { ts: message.ts, edits: message.edits, action_id: element.action_id, user: user(), choice };
  const busy = document.querySelector(`[data-ts="${message.ts}"]`);
  busy?.classList.add("busy");
  const answer = await fetch("click", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const { status, error } = await answer.json();
  busy?.classList.remove("busy");
  tell(status === 200 ? "" : `⚠ The app answered ${status ?? error}.`);
  await draw();
}

function avatar() {
  const square = make("div", "avatar", "M");
  square.ariaHidden = "true";
  return square;
}

function post(message, kind, ...content) {
  const time = make("time", "", clock(new Date(1000 * message.ts)));
  const who = make("div", "who", make("b", "", "Macie ChatOps"), make("span", "badge", "APP"), time);
  const element = make("article", kind, avatar(), make("div", "body", who, ...content));
  element.dataset.ts = message.ts;
  return element;
}

function shown(message) {
  const act = (element, choice) => click(message, element, choice);
  const content = message.blocks.length ? message.blocks.map(one => block(one, act)) : [make("div", "block", ...mrkdwn(message.text))];
  if (message.edits) content.push(make("span", "edited", "(edited)"));
  const element = post(message, message.thread_ts ? "message reply" : "message", ...content);
  const finding = message.metadata?.event_payload?.finding_id;
  if (finding) {
    const open = make("button", "history", "History");
    open.title = "Show this finding's history in the ledger";
    element.append(open);
    element.onclick = event => {
      if (event.target === open || !event.target.closest("a, button, select")) pick(finding);
    };
    element.dataset.finding = finding;
  }
  return element;
}

function secret(reply) {
  return post(reply, "message private", make("small", "", "👁 Only visible to you"), make("div", "block", ...mrkdwn(reply.text)));
}

function pick(finding) {
  choose(finding);
  mark();
}

function mark() {
  for (const element of channel.children) element.classList.toggle("chosen", isChosen(element.dataset.finding));
}

/* Threads stand under their message, private replies when they came. */
function inOrder(state) {
  const place = one => [one.thread_ts ?? one.ts, one.ts];
  const mine = state.ephemerals.filter(reply => reply.user === user());
  const all = [...state.messages.map(one => [one, shown]), ...mine.map(one => [one, secret])];
  return all.sort(([a], [b]) => place(a)[0].localeCompare(place(b)[0]) || place(a)[1].localeCompare(place(b)[1]));
}

function element([one, show]) {
  const json = JSON.stringify(one);
  const before = drawn.get(one.ts);
  if (before?.json === json) return before.element;
  const now = { json, element: show(one) };
  drawn.set(one.ts, now);
  return now.element;
}

let before = "";
async function draw() {
  const state = await (await fetch("state")).json();
  const now = JSON.stringify([state, user()]);
  if (now === before) return;
  const main = document.querySelector("main");
  const atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 80;
  const few = channel.childElementCount;
  const elements = inOrder(state).map(element);
  elements.forEach((one, place) => channel.children[place] !== one && channel.insertBefore(one, channel.children[place]));
  while (channel.childElementCount > elements.length) channel.lastElementChild.remove();
  document.getElementById("empty").hidden = elements.length > 0;
  before = now;
  const newest = channel.childElementCount > few && elements.at(-1);
  if (newest && atEnd) main.scrollTop = main.scrollHeight;
  if (newest && newest.matches(".private")) newest.scrollIntoView({ block: "nearest" });
  await refresh(state.messages);
  mark();
}

function again() {
  const wait = document.hidden ? 3000 : 500;
  setTimeout(async () => {
    await draw().catch(() => tell("⚠ The sandbox does not answer. Has it ended?"));
    again();
  }, wait);
}

document.getElementById("people").onchange = draw;
document.addEventListener("visibilitychange", () => document.hidden || draw());
draw().finally(again);
