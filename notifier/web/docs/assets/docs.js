/* Copy buttons beside code, and the search of the reference. Without this script everything can still be read. */
"use strict";
(() => {
  const words = document.documentElement.lang === "ru" ? ["Копировать", "Скопировано"] : ["Copy", "Copied"];

  async function copy(button, text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return; // refused, or no secure context: the text can still be selected
    }
    button.textContent = words[1];
    setTimeout(() => { button.textContent = words[0]; }, 1500);
  }

  for (const block of document.querySelectorAll("pre")) {
    const frame = document.createElement("div");
    const button = document.createElement("button");
    frame.className = "code";
    button.type = "button";
    button.className = "copy";
    button.textContent = words[0];
    button.addEventListener("click", () => copy(button, block.textContent.trimEnd()));
    block.tabIndex = 0; // so that long lines can be scrolled by keyboard
    block.replaceWith(frame);
    frame.append(block, button);
  }

  const search = document.querySelector("#search");
  if (!search) return;
  const items = [...document.querySelectorAll("[data-search]")];
  const sections = [...document.querySelectorAll("main > section")];
  search.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) item.hidden = !wanted.every((word) => item.dataset.search.includes(word));
    for (const section of sections) section.hidden = !section.querySelector("[data-search]:not([hidden])");
    document.querySelector("#nothing").hidden = sections.some((section) => !section.hidden);
  });
})();
