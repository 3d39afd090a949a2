/* Slack's Block Kit as nodes. Untrusted text is only ever added as text, never as HTML. */

const TOKENS = new RegExp([
  /<!date\^(?<date>\d+)\^(?<format>[^|>^]*)[^|>]*\|[^>]*>/, /<@(?<user>[A-Z0-9]+)(?:\|[^>]*)?>/,
  /<#(?<channel>[A-Z0-9]+)(?:\|[^>]*)?>/, /<!(?<everyone>here|channel|everyone)(?:\|[^>]*)?>/,
  /<(?<link>https?:[^|>]+)(?:\|(?<label>[^>]*))?>/, /`(?<code>[^`\n]+)`/,
  /(?<![\w*])\*(?<bold>[^*\n]+)\*(?![\w*])/, /(?<![\w_])_(?<italic>[^_\n]+)_(?![\w_])/,
].map(token => token.source).join("|"), "g");

export function make(tag, kind, ...children) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...children);
  return element;
}

export const nameOf = user =>
  document.querySelector(`#people input[value="${CSS.escape(user)}"]`)?.closest("label").querySelector("b").textContent ?? user;

/* Spell out characters that are invisible, or that change the reading direction. */
export const escapeInvisible = text => text.replaceAll(/(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, character => `\\u${character.codePointAt(0).toString(16).padStart(4, "0")}`);

const decode = text => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

function formatDay(moment) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "today";
  return days === 1 ? "yesterday" : moment.toLocaleDateString("en-US", { month: "short", day: "numeric", year: "numeric" });
}
export const formatTime = moment => moment.toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });

function formatDate(seconds, format) {
  const moment = new Date(1000 * seconds);
  return format.replaceAll(/\{date\w*\}/g, () => formatDay(moment)).replaceAll(/\{time\w*\}/g, () => formatTime(moment));
}

function makeLink(address, ...label) {
  const element = make("a", "", ...label);
  Object.assign(element, { href: address, target: "_blank", rel: "noopener noreferrer" });
  return element;
}

function drawToken(match) {
  const { date, format, user, channel, everyone, link, label, code, bold, italic } = match.groups;
  if (date) return formatDate(date, format);
  if (user) return make("span", "mention", `@${nameOf(user)}`);
  if (channel) return make("span", "mention", "#macie-findings");
  if (everyone) return make("span", "mention loud", `@${everyone}`);
  if (link) return makeLink(decode(link), decode(label ?? link));
  if (code) return make("code", "", decode(code));
  return bold ? make("b", "", ...drawMrkdwn(bold)) : make("em", "", ...drawMrkdwn(italic));
}

export function drawMrkdwn(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    nodes.push(decode(text.slice(end, match.index)), drawToken(match));
    end = match.index + match[0].length;
  }
  return [...nodes, decode(text.slice(end))];
}

const drawText = text => text.type === "mrkdwn" ? drawMrkdwn(text.text) : [text.text];

/* Show a Block Kit confirm object; resolve to whether the person agreed. */
export function confirmed(confirm) {
  return new Promise(resolve => {
    const dialog = document.getElementById("confirm");
    const title = make("h2", "", ...drawText(confirm.title));
    title.id = "question";
    const close = make("button", "close", "✕"), deny = make("button", "", confirm.deny.text);
    close.ariaLabel = "Close";
    const accept = make("button", confirm.style ?? "primary", confirm.confirm.text);
    accept.onclick = () => dialog.close("yes");
    deny.onclick = close.onclick = () => dialog.close("no");
    dialog.replaceChildren(make("header", "", title, close), make("p", "", ...drawText(confirm.text)), make("footer", "", deny, accept));
    dialog.returnValue = "no";
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.showModal();
  });
}

function drawMenu(element, act) {
  const options = element.options.map(option => Object.assign(make("option", "", ...drawText(option.text)), { value: option.value }));
  const placeholder = Object.assign(make("option", "", ...drawText(element.placeholder)), { value: "", hidden: true });
  const select = make("select", "", placeholder, ...options);
  select.ariaLabel = element.placeholder.text;
  select.onchange = async () => {
    await act(element, select.value);
    select.value = "";
  };
  return select;
}

function drawElement(element, act) {
  if (element.type === "static_select") return drawMenu(element, act);
  if (element.url) {
    const link = makeLink(element.url, ...drawText(element.text));
    link.className = "button";
    return link;
  }
  const button = make("button", element.style ?? "", ...drawText(element.text));
  button.onclick = () => act(element);
  return button;
}

/* Draw a block. A click in it calls `act(element, choice)`. */
export function drawBlock(block, act) {
  const kind = `block ${block.type}`;
  switch (block.type) {
    case "section":
      return block.fields
        ? make("div", `${kind} fields`, ...block.fields.map(field => make("div", "", ...drawText(field))))
        : make("div", kind, ...drawText(block.text));
    case "header": return make("div", kind, ...drawText(block.text));
    case "actions": return make("div", kind, ...block.elements.map(element => drawElement(element, act)));
    case "context": return make("div", kind, ...block.elements.flatMap(drawText));
    default: return make("hr");
  }
}
