// The border between the names and the bars, which can be moved, by mouse and by arrow keys.

const least = 20; // per cent of the width
const most = 80;

// elements are those whose --name is the share of the names.
export function installSplitter(handle, container, elements) {
  const set = (percent) => {
    const share = Math.round(Math.max(least, Math.min(most, percent)));
    handle.setAttribute("aria-valuenow", share);
    for (const element of elements) element.style.setProperty("--name", `${share}%`);
  };
  const now = () => {
    const box = container.getBoundingClientRect();
    return (100 * (handle.parentElement.getBoundingClientRect().right - box.left)) / container.clientWidth;
  };
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const box = container.getBoundingClientRect();
    set((100 * (event.clientX - box.left)) / container.clientWidth);
  });
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
    if (!step) return;
    set(now() + step);
    event.preventDefault();
  });
  handle.addEventListener("dblclick", () => elements.forEach((element) => element.style.removeProperty("--name")));
}
