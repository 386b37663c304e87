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
  const holds = (b, x, y) => b.x <= x && x <= b.x + b.w && b.y <= y && y <= b.y + b.h;
  const pointBoxes = ({ set, meta }) => (set.pointRadius > 0 ? meta.data.map((p) => ({ x: p.x - set.pointRadius, y: p.y - set.pointRadius, w: 2 * set.pointRadius, h: 2 * set.pointRadius })) : []);
  const whiskerBoxes = (chart, { set, meta }) =>
    meta.data.flatMap((p, i) => {
      if (!set.low || set.low[i] === null) return [];
      const [top, bottom] = [set.high[i], set.low[i]].map((v) => chart.scales[set.yAxisID].getPixelForValue(v));
      return [{ x: p.x - 3, y: top, w: 6, h: bottom - top }];
    });

  /// A line leads to a name that is not plainly beside its point; [dx of the nearer end, dy].
  const isFar = ([dx, dy]) => Math.abs(dx) > 13 || Math.abs(dy) > 10;
  /// Nearest first, and right before left. None far away and level: its line would lie on what it passes.
  const nameOffsets = [13, 30, 55, 80, 105, 150, 200]
    .flatMap((away) => [0, 10, 20, 30, 42, 56, 70, 90, 110, 140].flatMap((dy) => [[away, -dy], [away, dy], [-away, -dy], [-away, dy]]))
    .filter((offset) => !isFar(offset) || Math.abs(offset[1]) > 10)
    .sort((a, b) => Math.hypot(...a) - Math.hypot(...b));
  /// The line to a name runs into a point other than its own.
  function crosses(p, [dx, dy], points) {
    for (let t = 0.05; t <= 1; t += 0.05) if (points.some((b) => holds(b, p.x + t * dx, p.y + t * dy) && !holds(b, p.x, p.y))) return true;
    return false;
  }
  /// Names stand where they hide neither points nor one another. Those of ringed points come first and go as far as they must, led to by a line; the
  /// others stand beside their points, or are left to the tooltip: where there is no room, and under a ring, where they would be taken for its name.
  const names = {
    id: "names",
    afterDatasetsDraw(chart, _, { show, colour, leader }) {
      if (!show) return;
      const { ctx, chartArea: a } = chart;
      const sets = visible(chart);
      const points = sets.flatMap(pointBoxes);
      const taken = [...points, ...sets.flatMap((s) => whiskerBoxes(chart, s))];
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
          const box = ([dx, dy]) => ({ x: p.x + (dx > 0 ? dx : dx - w), y: p.y + dy - h / 2, w, h });
          const isFree = (b) => b.x >= a.left && b.x + b.w <= a.right && b.y >= a.top && b.y + b.h <= a.bottom && !taken.some((t) => overlap(t, b));
          const offset = nameOffsets.find((o) => isFree(box(o)) && (!isFar(o) || (isRinged && !crosses(p, o, points))));
          if (!offset) return;
          const place = box(offset);
          taken.push(place);
          ctx.strokeStyle = leader;
          if (isFar(offset)) segment(ctx, p.x, p.y, p.x + offset[0] - 3 * Math.sign(offset[0]), p.y + offset[1]);
          ctx.fillStyle = colour;
          ctx.fillText(text, place.x, place.y + h / 2);
        });
      }
      ctx.restore();
    },
  };

  return { plugins: [whiskers, references, names] };
})();
