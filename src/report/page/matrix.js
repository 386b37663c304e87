// A click on a cell of a matrix shows the rows behind it. Texts come from data files: they are only ever set as text.
"use strict";
(() => {
  const columns = ["id", "text", "gold", "prediction", "score"];

  function element(tag, text) {
    const e = document.createElement(tag);
    e.textContent = text;
    return e;
  }
  function line(tag, cells) {
    const row = document.createElement("tr");
    row.append(...cells.map((c) => element(tag, c)));
    return row;
  }
  const scoreText = (score) => (score === null ? "" : score.toFixed(4));

  function show(panel, matrix, cell) {
    const rows = matrix.behind[cell];
    const gold = matrix.rows[Math.floor(cell / matrix.columns.length)];
    const prediction = matrix.columns[cell % matrix.columns.length];
    const of = matrix.values[cell] > rows.length ? ` (${rows.length} of ${matrix.values[cell]})` : ` (${rows.length})`;
    const table = document.createElement("table");
    table.append(line("th", columns), ...rows.map((r) => line("td", columns.map((c) => (c === "score" ? scoreText(r.score) : r[c])))));
    panel.replaceChildren(element("h3", `${matrix.y.title} ${gold}, ${matrix.x.title} ${prediction}${of}`), table);
    panel.hidden = false;
  }

  for (const matrix of JSON.parse(document.getElementById("chart-data").textContent)) {
    if (matrix.kind !== "matrix") continue;
    const figure = document.getElementById(matrix.id);
    const panel = figure.querySelector(".behind");
    const buttons = figure.querySelectorAll("button[data-cell]");
    for (const button of buttons)
      button.addEventListener("click", () => {
        const close = button.getAttribute("aria-pressed") === "true";
        for (const b of buttons) b.setAttribute("aria-pressed", "false");
        panel.hidden = true;
        if (close) return;
        button.setAttribute("aria-pressed", "true");
        show(panel, matrix, Number(button.dataset.cell));
      });
  }
})();
