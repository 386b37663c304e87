// From the charts of the page (chart_json.h) to Chart.js.
"use strict";
(() => {
  const shapes = ["circle", "rect", "triangle", "rectRot"];
  const shorten = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
  const finite = (values) => values.filter((v) => v !== null && Number.isFinite(v));

  // ---- data sets

  function look(series, i, colours) {
    const colour = series.dashed ? colours.muted : colours.series[i % colours.series.length];
    return { label: series.name, borderColor: colour, backgroundColor: colour, whiskerColour: colour, pointStyle: shapes[i % shapes.length], low: series.low, high: series.high, yAxisID: series.second_axis ? "y2" : "y" };
  }
  /// The points a series marks, drawn once more as rings, so that they have a legend entry.
  function ring(series, points, base, colours) {
    return { ...base, label: series.mark, data: series.marked.map((i) => points[i]), names: undefined, low: undefined, showLine: false, pointStyle: "circle", pointRadius: 8, pointHoverRadius: 8, pointBorderWidth: 2.2, borderColor: colours.text, pointBorderColor: colours.text, backgroundColor: "transparent", isRing: true };
  }
  function pointSets(chart, colours) {
    const joined = chart.kind === "line";
    return chart.series.flatMap((s, i) => {
      const points = s.x.map((x, k) => ({ x, y: s.y[k] }));
      const base = look(s, i, colours);
      const plain = s.dashed || (joined && (points.length > 40 || s.second_axis));
      const set = { ...base, pointStyle: plain ? "line" : base.pointStyle, data: points, names: s.labels?.map((name) => shorten(name, 30)), namedFirst: s.marked ?? [], showLine: joined || s.dashed, borderWidth: 2, borderDash: s.dashed ? [6, 4] : s.second_axis ? [2, 3] : [], pointRadius: plain ? 0 : joined ? 3 : 5, pointHitRadius: 8 };
      return s.marked ? [set, ring(s, points, base, colours)] : [set];
    });
  }
  /// Bars lie on Chart.js's own category scale.
  function barSets(chart, colours) {
    return chart.series.map((s, i) => ({ ...look(s, i, colours), data: s.y, pointStyle: "rect", whiskerColour: colours.text, borderWidth: 0, maxBarThickness: 34, xAxisID: chart.horizontal ? "x" : undefined, yAxisID: "y" }));
  }
  /// Dots lie on a linear scale whose whole numbers are the categories, the series of one category beside each other.
  function dotSets(chart, colours) {
    const n = chart.series.length;
    return chart.series.flatMap((s, i) => {
      const shift = n > 1 ? ((i - (n - 1) / 2) * 0.7) / n : 0;
      const points = s.y.map((v, k) => (chart.horizontal ? { x: v, y: k + shift } : { x: k + shift, y: v }));
      const base = look(s, i, colours);
      const set = { ...base, data: points, labelsOfPoints: s.labels, showLine: false, pointRadius: 5, pointHitRadius: 8 };
      return s.marked ? [set, ring(s, points, base, colours)] : [set];
    });
  }
  function referenceSets(chart, colours) {
    return (chart.references ?? []).map((r, i) => ({
      type: "line", label: r.name, data: [], borderColor: colours.muted, backgroundColor: "transparent", borderWidth: 2, borderDash: [[7, 5], [2, 4], [10, 4, 2, 4]][i % 3], pointStyle: "line", yAxisID: "y",
      reference: { value: r.value, alongX: r.vertical !== Boolean(chart.horizontal) },
    }));
  }

  // ---- scales

  /// Powers of ten have a name on a logarithmic scale; 2 and 5 too where it has few powers.
  function logTick(value, _, ticks) {
    const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
    const few = ticks[ticks.length - 1].value / ticks[0].value < 200;
    if (!(few ? [1, 2, 5] : [1]).some((m) => Math.abs(value / power - m) < 1e-6)) return "";
    if (value >= 1e4) return new Intl.NumberFormat("en", { notation: "compact" }).format(value);
    return value >= 1e-3 ? String(Number(value.toPrecision(6))) : value.toExponential(0);
  }
  const withAir = (least, most) => ({ suggestedMin: least - 0.04 * (most - least), suggestedMax: most + 0.04 * (most - least) });
  function valueScale(axis, values, colours) {
    const scale = {
      type: axis.logarithmic ? "logarithmic" : "linear", min: axis.least, max: axis.most,
      title: { display: true, text: axis.title, color: colours.text, font: { size: 13 } }, ticks: { color: colours.text, font: { size: 12 }, maxRotation: 0 }, grid: { color: colours.grid }, border: { color: colours.muted },
    };
    if (axis.logarithmic) scale.ticks.callback = logTick;
    else if (values.length) Object.assign(scale, withAir(Math.min(...values), Math.max(...values)));
    return scale;
  }
  function categoryScale(chart, colours) {
    const scale = valueScale(chart.x, [], colours);
    const name = (i) => shorten(chart.categories[i] ?? "", chart.horizontal ? 34 : 24);
    if (chart.horizontal) scale.title.display = false; // names from top to bottom say themselves what they are
    scale.grid = { display: chart.kind === "dots", color: colours.grid };
    Object.assign(scale.ticks, { autoSkip: !chart.horizontal, maxRotation: 40 });
    if (chart.kind === "bars") return { ...scale, type: "category", stacked: chart.stacked, ticks: { ...scale.ticks, callback: (_, i) => name(i) } };
    return {
      ...scale, min: -0.5, max: chart.categories.length - 0.5, reverse: Boolean(chart.horizontal), ticks: { ...scale.ticks, callback: name },
      afterBuildTicks: (axis) => { axis.ticks = chart.categories.map((_, value) => ({ value })); },
    };
  }
  /// Scales reach over whiskers and reference lines, which Chart.js knows nothing of.
  function reach(chart, second) {
    const of = chart.series.filter((s) => Boolean(s.second_axis) === second).flatMap((s) => [...(s.low ?? []), ...(s.high ?? [])]);
    return finite([...of, ...(second ? [] : (chart.references ?? []).filter((r) => !r.vertical).map((r) => r.value))]);
  }
  function scalesOf(chart, colours) {
    const byCategory = chart.kind === "bars" || chart.kind === "dots";
    const values = valueScale(chart.y, reach(chart, false), colours);
    if (byCategory) {
      const categories = categoryScale(chart, colours);
      if (chart.kind === "bars") Object.assign(values, { stacked: chart.stacked, beginAtZero: !chart.y.logarithmic });
      return chart.horizontal ? { x: values, y: categories } : { x: categories, y: values };
    }
    const scales = { x: valueScale(chart.x, finite((chart.references ?? []).filter((r) => r.vertical).map((r) => r.value)), colours), y: values };
    if (chart.second_y) scales.y2 = { ...valueScale(chart.second_y, reach(chart, true), colours), position: "right", grid: { drawOnChartArea: false } };
    return scales;
  }

  // ---- words

  const digits = (v) => (v === null || v === undefined ? "–" : String(Number(v.toPrecision(6))));
  function tooltipText(chart, item) {
    const { dataset: set, dataIndex: i, raw } = item;
    const value = typeof raw === "object" && raw !== null ? (chart.kind === "dots" && chart.horizontal ? raw.x : raw.y) : raw;
    const whisker = set.low && set.low[i] !== null ? ` [${digits(set.low[i])}, ${digits(set.high[i])}]` : "";
    const at = chart.kind === "line" || chart.kind === "scatter" ? ` at ${digits(raw.x)}` : "";
    const name = (set.names ?? set.labelsOfPoints)?.[i];
    return `${name ? name + ", " : ""}${set.label}: ${digits(value)}${whisker}${at}`;
  }
  function tooltipTitle(chart, items) {
    if (!chart.categories || !items.length) return "";
    return chart.categories[chart.kind === "bars" || items[0].dataset.isRing !== true ? items[0].dataIndex : Math.round(chart.horizontal ? items[0].raw.y : items[0].raw.x)];
  }

  // ---- drawing

  function configOf(chart) {
    const colours = Theme.colours();
    const sets = { line: pointSets, scatter: pointSets, bars: barSets, dots: dotSets }[chart.kind](chart, colours);
    const labelled = chart.kind === "scatter" && chart.series.some((s) => s.labels);
    const datasets = [...sets, ...referenceSets(chart, colours)];
    return {
      type: chart.kind === "bars" ? "bar" : "scatter",
      data: { labels: chart.categories, datasets },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, indexAxis: chart.kind === "bars" && chart.horizontal ? "y" : "x",
        devicePixelRatio: Math.max(2, window.devicePixelRatio), layout: { padding: { right: 10 } }, scales: scalesOf(chart, colours),
        plugins: {
          legend: { display: datasets.length > 1, labels: { color: colours.text, usePointStyle: true, boxHeight: 7, font: { size: 12 } } },
          tooltip: { callbacks: { title: (items) => tooltipTitle(chart, items), label: (item) => tooltipText(chart, item) } },
          whiskers: { horizontal: Boolean(chart.horizontal) }, references: {}, names: { show: labelled, colour: colours.text, leader: colours.muted },
        },
      },
      plugins: Drawing.plugins,
    };
  }

  const charts = JSON.parse(document.getElementById("chart-data").textContent).filter((c) => c.kind !== "matrix");
  const drawn = [];
  function drawAll() {
    for (const chart of drawn.splice(0)) chart.destroy();
    for (const chart of charts) {
      const canvas = document.getElementById(chart.id).querySelector("canvas");
      drawn.push(new Chart(canvas, configOf(chart)));
    }
  }
  drawAll();
  Theme.onChange(drawAll);
})();
