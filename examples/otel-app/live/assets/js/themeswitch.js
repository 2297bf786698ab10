// System, light, dark, in turn. The system's is the default.

import { icon, replace } from "./dom.js";

const themes = ["system", "light", "dark"];
const icons = { system: "system", light: "sun", dark: "moon" };

export function installTheme(button) {
  const root = document.documentElement;
  const current = () => root.dataset.theme ?? "system";
  const draw = () => {
    replace(button, icon(icons[current()]));
    button.title = `Theme: ${current()} (t)`;
    button.setAttribute("aria-label", `Theme: ${current()}`);
  };
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(current()) + 1) % themes.length];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      if (next === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch {
      // Storage may be forbidden. Then the choice lasts as long as the page.
    }
    draw();
  });
  draw();
}
