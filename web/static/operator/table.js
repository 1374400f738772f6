// A table that is brought up to date in place, so that what is chosen or focused in it stays.

import { make } from "../lib/dom.js";

export class Table {
  /** `columns`: each `[title, className, cell]`; `cell` makes a text of a row, or a node once. */
  constructor(node, columns) {
    this.columns = columns;
    this.rows = new Map();
    this.body = document.createElement("tbody");
    const heads = columns.map(([title, className]) => {
      const head = make("th", className, title);
      head.scope = "col";
      return head;
    });
    const top = document.createElement("thead");
    top.append(make("tr", "", ...heads));
    node.replaceChildren(top, this.body);
  }

  /** Shows these rows, `[key, row]` each, in their order. */
  show(rows) {
    const keys = new Set(rows.map(([key]) => key));
    for (const [key, line] of this.rows) {
      if (keys.has(key)) continue;
      line.remove();
      this.rows.delete(key);
    }
    rows.forEach(([key, row], place) => {
      const line = this.rows.get(key) ?? this.#newLine(key);
      this.columns.forEach(([, , cell], i) => this.#fill(line.cells[i], cell, row));
      if (this.body.children[place] !== line) {
        this.body.insertBefore(line, this.body.children[place] ?? null);
      }
    });
  }

  #newLine(key) {
    const line = make("tr", "", ...this.columns.map(([, className]) => make("td", className)));
    this.rows.set(key, line);
    return line;
  }

  #fill(place, cell, row) {
    if (place.firstElementChild) return;
    const content = cell(row);
    if (content instanceof Node) place.replaceChildren(content);
    else if (place.textContent !== content) place.textContent = content;
  }
}
