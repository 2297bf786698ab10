// Markdown as elements. The library only takes the text apart; each piece goes into the
// page through h(), as text. So there is no way from a payload to markup: its HTML shows as
// it is written, its images are links, and links lead to websites alone.

import { h } from "./dom.js";
import { lexer } from "./vendor/marked.js";

const longest = 50_000; // characters; beyond it a text is shown as it is

// Reports whether a text says more as Markdown than as it is written.
export function isMarkdown(text) {
  return text.length <= longest
    && /^#{1,6} |^\s*(?:[-*+]|\d+[.)]) |^```|^> |^\|.*\||\*\*[^\s*].*?\*\*|`[^`\n]+`|\[[^\]\n]+\]\([^)\n]+\)/m.test(text);
}

export function markdown(text) {
  try {
    return h("div", { class: "markdown" }, blocks(lexer(text)));
  } catch {
    return h("p", { class: "prose" }, text); // nested too deeply
  }
}

const blocks = (tokens) => (tokens ?? []).map(block);

function block(token) {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return h(`h${Math.min(6, token.depth + 3)}`, null, inline(token.tokens));
    case "paragraph":
      return h("p", null, inline(token.tokens));
    case "code":
      return h("pre", { class: "code" }, h("code", null, token.text));
    case "blockquote":
      return h("blockquote", null, blocks(token.tokens));
    case "hr":
      return h("hr");
    case "list":
      return h(token.ordered ? "ol" : "ul", token.ordered && token.start > 1 ? { start: token.start } : null,
        token.items.map((item) => h("li", null,
          item.task && h("span", { class: "task" }, item.checked ? "☑ " : "☐ "), blocks(item.tokens.filter(({ type }) => type !== "checkbox")))));
    case "table":
      return h("div", { class: "md-table" }, h("table", null,
        h("thead", null, h("tr", null, token.header.map((cell) => h("th", null, inline(cell.tokens))))),
        h("tbody", null, token.rows.map((row) => h("tr", null, row.map((cell) => h("td", null, inline(cell.tokens))))))));
    case "text":
      return h("span", null, inline(token.tokens ?? [token]));
    default:
      return inline([token]);
  }
}

const inline = (tokens) => (tokens ?? []).map(piece);

function piece(token) {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return h(token.type, null, inline(token.tokens));
    case "codespan":
      return h("code", null, token.text);
    case "br":
      return h("br");
    case "link":
      return link(token.href, inline(token.tokens), token.raw);
    case "image":
      return link(token.href, [`image: ${token.text || token.href}`], token.raw);
    case "escape":
      return token.text;
    case "text":
      return token.tokens ? inline(token.tokens) : token.text;
    default:
      return token.raw; // HTML and whatever else
  }
}

// A link that does not lead to a website shows as it is written.
function link(href, content, raw) {
  if (!/^https?:\/\//i.test(href)) return raw;
  return h("a", { href, title: href, rel: "noopener noreferrer nofollow", target: "_blank" }, content);
}
