/** Small tools for the page. Text from outside only ever enters as `textContent`. */

export const byId = (id) => document.getElementById(id);

/** The part of a node that a template names by `data-slot`. */
export const slot = (node, name) => node.querySelector(`[data-slot=${name}]`);

/** A copy of the first element in a `<template>`. */
export function clone(templateId) {
  return byId(templateId).content.firstElementChild.cloneNode(true);
}

const OVERRIDES = /[\u202d\u202e]/g; // they would make text read backwards: `exe.png` for what ends in .exe

/** Sets the text, touching the document only when it differs, so that live regions speak once. */
export function setText(node, text) {
  const shown = String(text).replace(OVERRIDES, "\ufffd");
  if (node.textContent !== shown) node.textContent = shown;
}

/** Sets the text and hides the node when there is none. */
export function setOptional(node, text) {
  setText(node, text ?? "");
  node.hidden = !text;
}

/**
 * Makes the children of `parent` match `items`, keeping the nodes of items that stay: focus and selection survive.
 * `create(item)` answers a new node, `update(node, item)` fills it.
 */
export function reconcile(parent, items, { key, create, update }) {
  const keys = new Set(items.map((item) => String(key(item))));
  const nodes = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  for (const [name, node] of nodes) if (!keys.has(name)) node.remove();
  let cursor = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const node = nodes.get(name) ?? create(item);
    node.dataset.key = name;
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
    update(node, item);
  }
}

/** Names the state in words and shape; the colour of the lamp only repeats it. */
export function setLamp(node, lamp, words) {
  node.querySelector(".lamp").dataset.lamp = lamp;
  setText(slot(node, "words"), words);
}
