// Marks a text wherever it stands in an element, without touching what is there.
// Browsers that cannot do without are left as they are.

const most = 500;

// text is in lower case; "" marks nothing.
export function highlight(root, text) {
  if (!globalThis.CSS?.highlights) return;
  const ranges = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (text && ranges.length < most && walker.nextNode()) {
    const node = walker.currentNode;
    const lower = node.data.toLowerCase();
    if (lower.length !== node.data.length) continue; // the places are not known
    for (let at = lower.indexOf(text); at >= 0; at = lower.indexOf(text, at + text.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      ranges.push(range);
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}
