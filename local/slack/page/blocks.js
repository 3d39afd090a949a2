/* Slack's Block Kit as nodes. What a message says is only ever added as text. */

const PIECES = new RegExp([
  /<!date\^(?<date>\d+)\^(?<format>[^|>^]*)[^|>]*\|[^>]*>/, /<@(?<user>[A-Z0-9]+)(?:\|[^>]*)?>/,
  /<#(?<channel>[A-Z0-9]+)(?:\|[^>]*)?>/, /<!(?<everyone>here|channel|everyone)(?:\|[^>]*)?>/,
  /<(?<link>https?:[^|>]+)(?:\|(?<label>[^>]*))?>/, /`(?<code>[^`\n]+)`/,
  /(?<![\w*])\*(?<bold>[^*\n]+)\*(?![\w*])/, /(?<![\w_])_(?<italic>[^_\n]+)_(?![\w_])/,
].map(piece => piece.source).join("|"), "g");

export function make(tag, kind, ...children) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  element.append(...children);
  return element;
}

export const nameOf = user =>
  document.querySelector(`#people input[value="${CSS.escape(user)}"]`)?.closest("label").querySelector("b").textContent ?? user;

/* Spell out what would not be seen, or would turn the reading direction. */
export const visible = text => text.replaceAll(/(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, one => `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`);

const plain = text => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

function day(moment) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "today";
  return days === 1 ? "yesterday" : moment.toLocaleDateString("en-US", { month: "short", day: "numeric", year: "numeric" });
}
export const clock = moment => moment.toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });

function date(seconds, format) {
  const moment = new Date(1000 * seconds);
  return format.replaceAll(/\{date\w*\}/g, () => day(moment)).replaceAll(/\{time\w*\}/g, () => clock(moment));
}

function link(address, ...label) {
  const element = make("a", "", ...label);
  Object.assign(element, { href: address, target: "_blank", rel: "noopener noreferrer" });
  return element;
}

function piece(found) {
  const { date: seconds, format, user, channel, everyone, link: address, label, code, bold, italic } = found.groups;
  if (seconds) return date(seconds, format);
  if (user) return make("span", "mention", `@${nameOf(user)}`);
  if (channel) return make("span", "mention", "#macie-findings");
  if (everyone) return make("span", "mention loud", `@${everyone}`);
  if (address) return link(plain(address), plain(label ?? address));
  if (code) return make("code", "", plain(code));
  return bold ? make("b", "", ...mrkdwn(bold)) : make("em", "", ...mrkdwn(italic));
}

export function mrkdwn(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(PIECES)) {
    nodes.push(plain(text.slice(end, found.index)), piece(found));
    end = found.index + found[0].length;
  }
  return [...nodes, plain(text.slice(end))];
}

const text = object => object.type === "mrkdwn" ? mrkdwn(object.text) : [object.text];

/* Ask as a Block Kit confirm object says; answer whether the person agreed. */
export function agreed(confirm) {
  return new Promise(resolve => {
    const box = document.getElementById("confirm");
    const question = make("h2", "", ...text(confirm.title));
    question.id = "question";
    const close = make("button", "close", "✕"), deny = make("button", "", confirm.deny.text);
    close.ariaLabel = "Close";
    const go = make("button", confirm.style ?? "primary", confirm.confirm.text);
    go.onclick = () => box.close("yes");
    deny.onclick = close.onclick = () => box.close("no");
    box.replaceChildren(make("header", "", question, close), make("p", "", ...text(confirm.text)), make("footer", "", deny, go));
    box.returnValue = "no";
    box.onclose = () => resolve(box.returnValue === "yes");
    box.showModal();
  });
}

function menu(element, act) {
  const options = element.options.map(one => Object.assign(make("option", "", ...text(one.text)), { value: one.value }));
  const placeholder = Object.assign(make("option", "", ...text(element.placeholder)), { value: "", hidden: true });
  const select = make("select", "", placeholder, ...options);
  select.ariaLabel = element.placeholder.text;
  select.onchange = async () => {
    await act(element, select.value);
    select.value = "";
  };
  return select;
}

function action(element, act) {
  if (element.type === "static_select") return menu(element, act);
  if (element.url) {
    const outside = link(element.url, ...text(element.text));
    outside.className = "button";
    return outside;
  }
  const button = make("button", element.style ?? "", ...text(element.text));
  button.onclick = () => act(element);
  return button;
}

/* Draw a block; `act(element, choice)` is called for what is clicked in it. */
export function block(one, act) {
  const kind = `block ${one.type}`;
  switch (one.type) {
    case "section":
      return one.fields
        ? make("div", `${kind} fields`, ...one.fields.map(field => make("div", "", ...text(field))))
        : make("div", kind, ...text(one.text));
    case "header": return make("div", kind, ...text(one.text));
    case "actions": return make("div", kind, ...one.elements.map(element => action(element, act)));
    case "context": return make("div", kind, ...one.elements.flatMap(text));
    default: return make("hr");
  }
}
