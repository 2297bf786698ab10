// Building elements. Text goes in as text nodes and nothing else: there is no
// way from a payload to markup.

// Characters that turn the direction of what follows, so that a text reads as another
// than it is. The marks U+200E and U+200F, which right-to-left text needs, do not.
const turning = /[\u202a-\u202e\u2066-\u2069]/g;

// Shows such characters by their numbers.
export function visible(text) {
  return text.replace(turning, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase()}⟩`);
}

// h("div", {class: "x", onclick: f, "aria-label": "y", hidden: true}, "text", element, null)
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("aria-")) {
      if (value !== undefined && value !== null) element.setAttribute(name, String(value));
    } else if (value === undefined || value === null || value === false) continue;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : name === "title" ? visible(String(value)) : value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(typeof child === "string" ? visible(child) : child);
  }
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

// Sets text only when it differs, and in the text node that is there: rows are
// filled again and again.
export function setText(element, text) {
  text = visible(text);
  const node = element.firstChild;
  if (node === null || node !== element.lastChild || node.nodeType !== Node.TEXT_NODE) element.textContent = text;
  else if (node.data !== text) node.data = text;
}

// Sets the class only when it differs: the style of all below hangs on it.
export function setClass(element, name) {
  if (element.className !== name) element.className = name;
}

export const byId = (id) => document.getElementById(id);

const paths = {
  error: ["M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6", true],
  ok: ["M4.8 8.3l2.2 2.2 4.3-4.6", true],
  canceled: ["M4.6 8h6.8", true],
  running: ["M8 4.6V8l2.3 1.6", true],
  silent: ["M6 6.5v3M10 6.5v3", true],
  unfinished: ["M5.2 8h.1M8 8h.1M10.8 8h.1", true],
  plus: ["M8 3.5v9M3.5 8h9", false],
  minus: ["M3.5 8h9", false],
  save: ["M8 2.8v7.4M4.8 7.2 8 10.4l3.2-3.2M3 13.2h10", false],
  chevron: ["M6 3.5 10.5 8 6 12.5", false],
  up: ["M3.5 10 8 5.5 12.5 10", false],
  down: ["M3.5 6 8 10.5 12.5 6", false],
  back: ["M10 3.5 5.5 8 10 12.5", false],
  close: ["M4 4l8 8M12 4l-8 8", false],
  send: ["M8 13V3.5M3.8 7.4 8 3.2l4.2 4.2", false],
  copy: ["M5.5 5.5V3.2h7.3v7.3h-2.3M3.2 5.5h7.3v7.3H3.2z", false],
  done: ["M3.5 8.5l3 3 6-7", false],
  sun: ["M8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z", false],
  moon: ["M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z", false],
  system: ["M8 2.2a5.8 5.8 0 1 0 0 11.6zM8 2.2a5.8 5.8 0 0 1 0 11.6", false],
  help: ["M6.1 6.2a1.9 1.9 0 1 1 2.7 1.7c-.6.3-.8.6-.8 1.2M8 11.2v.1", true],
};

export function icon(name) {
  const [d, circled] = paths[name];
  return svg("svg", { class: `icon icon-${name}`, viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    circled && svg("circle", { cx: 8, cy: 8, r: 6.2 }),
    svg("path", { d }));
}

export function copyButton(label, text) {
  const button = h("button", { type: "button", class: "icon-button small", "aria-label": label, title: label }, icon("copy"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    } catch {
      return; // not allowed here; the text can still be selected
    }
    replace(button, icon("done"));
    setTimeout(() => replace(button, icon("copy")), 1200);
  });
  return button;
}
