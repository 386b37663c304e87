// Appended to a copy of a page by page_in_browser_test.cpp: what a reader sees, as JSON in the document. Values are read back from where points were drawn, through the
// scales of the chart.
"use strict";
(() => {
  const at = (scale, pixel) => (scale ? scale.getValueForPixel(pixel) : null);

  function readChart(id) {
    const chart = Chart.getChart(document.getElementById(id).querySelector("canvas"));
    const sets = chart.data.datasets.map((set, i) => {
      const y = chart.scales[set.yAxisID] ?? chart.scales.y;
      const points = chart.getDatasetMeta(i).data.map((p) => ({ x: at(chart.scales.x, p.x), y: at(y, p.y), from_x: at(chart.scales.x, p.base ?? 0), from_y: at(y, p.base ?? 0), drawn: !p.skip }));
      return { label: set.label, points, whiskers: set.low ? points.map((_, k) => whiskerEnds(chart, set, i, k)) : [] };
    });
    return { sets, names: namesBesidePoints(chart), titles: Object.values(chart.scales).map((s) => s.options.title.text), reference: referenceShare(chart) };
  }

  /// What is written in the chart when it is drawn once more, but for titles and scales.
  function namesBesidePoints(chart) {
    const labels = chart.data.datasets.flatMap((set) => set.names ?? []), { ctx } = chart, names = [];
    ctx.fillText = (text, x, y) => {
      if (labels.includes(text)) names.push({ text, x, y });
      CanvasRenderingContext2D.prototype.fillText.call(ctx, text, x, y);
    };
    chart.draw();
    delete ctx.fillText;
    return names;
  }

  /// Whether the pixel at both ends of a whisker has its colour: low, high.
  function whiskerEnds(chart, set, i, k) {
    if (set.low[k] === null) return null;
    const p = chart.getDatasetMeta(i).data[k];
    const horizontal = chart.options.plugins.whiskers.horizontal;
    const scale = horizontal ? chart.scales.x : chart.scales[set.yAxisID];
    return [set.low[k], set.high[k]].map((v) => {
      const end = scale.getPixelForValue(v);
      return isColour(chart, horizontal ? end : p.x + 2, horizontal ? p.y + 2 : end, set.whiskerColour);
    });
  }
  function rgb(chart, x, y) {
    const ratio = chart.currentDevicePixelRatio;
    return [...chart.ctx.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data];
  }
  function isColour(chart, x, y, colour) {
    const want = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
    const got = rgb(chart, x, y);
    return got[3] > 128 && want.every((w, i) => Math.abs(w - got[i]) < 60);
  }
  /// Share of the first reference line that is drawn: dashes are about half.
  function referenceShare(chart) {
    const set = chart.data.datasets.find((s) => s.reference);
    if (!set) return null;
    const { value, alongX } = set.reference;
    const a = chart.chartArea;
    const place = (alongX ? chart.scales.x : chart.scales.y).getPixelForValue(value);
    let hits = 0;
    for (let i = 0; i < 200; ++i) hits += alongX ? isColour(chart, place, a.top + ((a.bottom - a.top) * i) / 200, set.borderColor) : isColour(chart, a.left + ((a.right - a.left) * i) / 200, place, set.borderColor);
    return hits / 200;
  }

  const tableRows = (table) => [...table.tBodies[0].rows].map((r) => r.cells[0].textContent);
  function sorted(id, column) {
    const table = document.querySelector(`#${id} table`);
    table.tHead.rows[0].cells[column].querySelector("button").click();
    return tableRows(table);
  }
  function clicked(id, cell) {
    const figure = document.getElementById(id);
    figure.querySelector(`button[data-cell="${cell}"]`).click();
    const panel = figure.querySelector(".behind");
    return { hidden: panel.hidden, heading: panel.querySelector("h3")?.textContent, rows: [...panel.querySelectorAll("tr")].slice(1).map((r) => [...r.cells].map((c) => c.textContent)), elements: panel.querySelectorAll("img, script").length };
  }
  const tickColour = () => Object.values(Chart.instances)[0].options.scales.y.ticks.color;
  const ground = () => getComputedStyle(document.body).backgroundColor;

  const out = { charts: {}, first_sort: sorted("runs", 1), second_sort: sorted("runs", 1), words_sort: sorted("runs", 0), click: clicked("confusion", 1), click_again: clicked("confusion", 1), other_click: clicked("confusion", 2) };
  for (const chart of JSON.parse(document.getElementById("chart-data").textContent)) if (chart.kind !== "matrix") out.charts[chart.id] = readChart(chart.id);
  out.colours = [[ground(), tickColour()]];
  document.getElementById("theme").click();
  out.colours.push([ground(), tickColour()]);
  dispatchEvent(new Event("beforeprint"));
  out.print_colour = tickColour();
  dispatchEvent(new Event("afterprint"));
  out.title = document.title;
  out.errors = window.seenErrors;
  out.loaded = performance.getEntriesByType("resource").map((r) => r.name);
  out.width = document.documentElement.scrollWidth;
  const result = document.createElement("pre");
  result.id = "read-back";
  result.textContent = JSON.stringify(out).replace(/[<>&\u007f-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  document.body.append(result);
})();
