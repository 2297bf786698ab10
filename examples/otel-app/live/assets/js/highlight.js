// Marks words wherever they stand in an element, without touching what is there.
// Browsers that cannot do without are left as they are.

const most = 500;

// words are in lower case.
export function highlight(root, words) {
  if (!globalThis.CSS?.highlights) return;
  const ranges = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (words.length && ranges.length < most && walker.nextNode()) {
    const node = walker.currentNode;
    const lower = node.data.toLowerCase();
    if (lower.length !== node.data.length) continue; // the places are not known
    for (const word of words) {
      for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}
