/* Runs before the first paint, as a classic script, so that a chosen theme never flashes. */
"use strict";
(() => {
  const KEY = "notifier.theme";
  const CHOICES = ["auto", "light", "dark"];
  let choice = "auto";

  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is forbidden here: the choice lasts as long as the page
    }
  }

  function store(value) {
    try {
      localStorage.setItem(KEY, value);
    } catch (error) {
      console.info("the theme is not remembered:", error.message);
    }
  }

  function apply(value) {
    choice = CHOICES.includes(value) ? value : "auto";
    document.documentElement.dataset.theme = choice;
    const button = document.querySelector("#theme");
    if (!button) return;
    button.querySelector("[data-slot=label]").textContent = choice;
    button.setAttribute("aria-label", `Theme: ${choice}. Change`);
  }

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    apply(choice);
    document.querySelector("#theme").addEventListener("click", () => {
      apply(CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]);
      store(choice);
    });
  });
})();
