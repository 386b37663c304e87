// What Chart.js does not draw itself, as its plugins: whiskers, reference lines, names beside points.
"use strict";
const Drawing = (() => {
  /// Clipped to the plot, so that a whisker longer than the scale does not leave it.
  function inPlot(chart, draw) {
    const { ctx, chartArea: a } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(a.left, a.top, a.right - a.left, a.bottom - a.top);
    ctx.clip();
    draw(ctx);
    ctx.restore();
  }
  function segment(ctx, x1, y1, x2, y2) {
    ctx.beginPath();
    ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    ctx.stroke();
  }
  const visible = (chart) => chart.data.datasets.map((set, i) => ({ set, meta: chart.getDatasetMeta(i) })).filter(({ meta }) => !meta.hidden && meta.visible !== false);

  const whiskers = {
    id: "whiskers",
    afterDatasetsDraw(chart, _, { horizontal }) {
      inPlot(chart, (ctx) => {
        for (const { set, meta } of visible(chart)) {
          if (!set.low) continue;
          const scale = horizontal ? chart.scales.x : chart.scales[set.yAxisID];
          ctx.strokeStyle = set.whiskerColour;
          ctx.lineWidth = 1.6;
          meta.data.forEach((point, i) => {
            if (set.low[i] === null || set.high[i] === null) return;
            const from = scale.getPixelForValue(set.low[i]);
            const to = scale.getPixelForValue(set.high[i]);
            const cap = 4;
            if (horizontal) {
              segment(ctx, from, point.y, to, point.y);
              segment(ctx, from, point.y - cap, from, point.y + cap);
              segment(ctx, to, point.y - cap, to, point.y + cap);
            } else {
              segment(ctx, point.x, from, point.x, to);
              segment(ctx, point.x - cap, from, point.x + cap, from);
              segment(ctx, point.x - cap, to, point.x + cap, to);
            }
          });
        }
      });
    },
  };

  /// A data set with `reference {value, vertical}` has no points of its own: it gives the line its name in the legend.
  const references = {
    id: "references",
    afterDatasetsDraw(chart) {
      inPlot(chart, (ctx) => {
        for (const { set } of visible(chart)) {
          if (!set.reference) continue;
          const { value, alongX } = set.reference;
          const a = chart.chartArea;
          ctx.strokeStyle = set.borderColor;
          ctx.lineWidth = set.borderWidth;
          ctx.setLineDash(set.borderDash);
          const at = (alongX ? chart.scales.x : chart.scales.y).getPixelForValue(value);
          if (alongX) segment(ctx, at, a.top, at, a.bottom);
          else segment(ctx, a.left, at, a.right, at);
          ctx.setLineDash([]);
        }
      });
    },
  };

  const overlap = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
  /// A point with its ring, and its whisker.
  function drawnParts(scale, set, p, i) {
    const parts = set.pointRadius > 0 ? [{ x: p.x - set.pointRadius, y: p.y - set.pointRadius, w: 2 * set.pointRadius, h: 2 * set.pointRadius }] : [];
    if (set.low && set.low[i] !== null) {
      const top = scale.getPixelForValue(set.high[i]);
      parts.push({ x: p.x - 3, y: top, w: 6, h: scale.getPixelForValue(set.low[i]) - top });
    }
    return parts;
  }
  /// Nearest first, and right before left: [dx of the nearer end, dy].
  const nameOffsets = [13, 30, 55, 80, 105, 150, 200]
    .flatMap((away) => [0, 10, 20, 30, 42, 56, 70, 90, 110, 140].flatMap((dy) => [[away, -dy], [away, dy], [-away, -dy], [-away, dy]]))
    .sort((a, b) => Math.hypot(...a) - Math.hypot(...b));
  /// Names stand where they hide neither points nor one another. Those of ringed points come first and go as far as they must, led to by a line; the
  /// others stand beside their points, or are left to the tooltip: where there is no room, and under a ring, where they would be taken for its name.
  const names = {
    id: "names",
    afterDatasetsDraw(chart, _, { show, colour, leader }) {
      if (!show) return;
      const { ctx, chartArea: a } = chart;
      const sets = visible(chart);
      const taken = sets.flatMap(({ set, meta }) => meta.data.flatMap((p, i) => drawnParts(chart.scales[set.yAxisID], set, p, i)));
      ctx.save();
      ctx.font = "12px system-ui, 'DejaVu Sans', sans-serif";
      ctx.textBaseline = "middle";
      ctx.lineWidth = 1;
      for (const { set, meta } of sets) {
        const ringed = set.namedFirst ?? [];
        [...ringed, ...meta.data.keys()].forEach((i, at, order) => {
          const p = meta.data[i], text = set.names?.[i], isRinged = at < ringed.length;
          if (!text || order.indexOf(i) < at) return;
          if (!isRinged && ringed.some((m) => Math.abs(meta.data[m].x - p.x) < 10 && Math.abs(meta.data[m].y - p.y) < 10)) return;
          const w = ctx.measureText(text).width, h = 14;
          const isFar = ([dx, dy]) => Math.abs(dx) > 13 || Math.abs(dy) > 10;
          const place = nameOffsets
            .filter((offset) => isRinged || !isFar(offset))
            .map((offset) => ({ x: p.x + (offset[0] > 0 ? offset[0] : offset[0] - w), y: p.y + offset[1] - h / 2, w, h, offset }))
            .find((b) => b.x >= a.left && b.x + b.w <= a.right && b.y >= a.top && b.y + b.h <= a.bottom && !taken.some((t) => overlap(t, b)));
          if (!place) return;
          taken.push(place);
          const [dx, dy] = place.offset;
          ctx.strokeStyle = leader;
          if (isFar(place.offset)) segment(ctx, p.x, p.y, p.x + dx - 3 * Math.sign(dx), p.y + dy);
          ctx.fillStyle = colour;
          ctx.fillText(text, place.x, place.y + h / 2);
        });
      }
      ctx.restore();
    },
  };

  return { plugins: [whiskers, references, names] };
})();
