// Loaded before the first paint, so that a chosen theme does not flash.
"use strict";
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden. The system's theme it is.
  }
})();
