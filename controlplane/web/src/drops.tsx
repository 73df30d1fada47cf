// SPDX-License-Identifier: BSD-3-Clause
// What was not forwarded, by reason, over the last ten minutes.
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Drops as Reasons } from "./api";
import { type Flow, KEPT_S, type Point } from "./flow";
import { Part, Problems, short, usePoll } from "./parts";

const AWAY = "No figures: the dataplane is away.";
const UNKNOWN = "… not known yet.";
const NONE = "Nothing was dropped in these ten minutes, as far as this page has seen them.";
const MOST_LINES = 6;
const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3], [5, 2], [1, 5]]; // lines differ without colour too
const NAMES = ["solid", "dashed", "dotted", "dash-dot", "short dashes", "wide dots"];

// Those with the most, in the order of their names: a line keeps its place.
function linesOf(points: Point[], takenIn: string[]): string[] {
  const sums: Record<string, number> = {};
  for (const point of points) {
    for (const [reason, value] of Object.entries(point.drops ?? {})) sums[reason] = (sums[reason] ?? 0) + value;
  }
  const seen = Object.keys(sums).filter((reason) => (sums[reason] ?? 0) > 0 && !takenIn.includes(reason));
  seen.sort((a, b) => (sums[b] ?? 0) - (sums[a] ?? 0));
  return seen.slice(0, MOST_LINES).sort();
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The ten minutes to the newest point; before there is one, to now.
function span(most: number | null): [number, number] {
  const end = most && most > KEPT_S ? most : Date.now() / 1000;
  return [end - KEPT_S, end];
}

function options(reasons: string[], width: number): uPlot.Options {
  const axis = { stroke: colour("--text"), grid: { stroke: colour("--line"), width: 1 } };
  return {
    width,
    height: 220,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { range: (_, __, most) => span(most) }, y: { range: (_, __, most) => [0, Math.max(most, 1)] } },
    axes: [
      { ...axis, values: "{HH}:{mm}" },
      {
        ...axis,
        size: 60,
        label: "packets/s",
        labelSize: 22,
        values: (_, ticks) => ticks.map((tick) => (tick < 1 && tick > 0 ? "" : short(tick))),
      },
    ],
    series: [
      {},
      ...reasons.map((label, i) => ({ label, stroke: colour(`--series-${i}`), width: 2, dash: DASHES[i], points: { show: false } })),
    ],
  };
}

// One for each set of lines, width and colour scheme.
function useChart(points: Point[], reasons: string[]) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>();
  const [remade, remake] = useState(0);
  const names = reasons.join(" ");
  useEffect(() => {
    if (!place.current) return;
    chart.current = new uPlot(options(reasons, place.current.clientWidth), [[], ...reasons.map(() => [])], place.current);
    return () => chart.current?.destroy();
  }, [names, remade]);
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const again = () => remake((count) => count + 1);
    scheme.addEventListener("change", again);
    window.addEventListener("resize", again);
    return () => {
      scheme.removeEventListener("change", again);
      window.removeEventListener("resize", again);
    };
  }, []);
  useEffect(() => {
    chart.current?.setData([
      points.map((point) => point.at),
      ...reasons.map((reason) => points.map((point) => (point.drops ? (point.drops[reason] ?? 0) : null))), // null: a gap
    ]);
  }, [points, names, remade]);
  return place;
}

interface Props {
  flow: Flow;
  zones: { oldSince: number };
  away: boolean;
}

export function Drops({ flow, zones, away }: Props) {
  const asked = usePoll<Reasons>("/v1/drops", 300);
  const known = asked.value;
  const reasons = known ? linesOf(flow.points, known.taken_in) : [];
  const place = useChart(flow.points, reasons);
  const now = away ? undefined : flow.points.at(-1)?.drops;
  const gaps = flow.points.filter((one) => !one.drops).length;
  const nothing = known && gaps < flow.points.length ? NONE : UNKNOWN;
  return (
    <Part id="drops" title="Drops by reason" of={[zones]}>
      <Problems list={asked.problems} />
      <div ref={place} data-gaps={gaps} role="img" aria-label="Drops a second over the last ten minutes; the list below has the numbers" />
      {reasons.length === 0 ? <p>{away ? AWAY : nothing}</p> : null}
      <ul class="lines">
        {reasons.map((reason, i) => (
          <li>
            <svg class={`sample series-${i}`} viewBox="0 0 36 8" aria-hidden="true">
              <line x1="0" y1="4" x2="36" y2="4" stroke-dasharray={DASHES[i]?.join(" ")} />
            </svg>
            <strong>{reason}</strong> {now ? `${short(now[reason] ?? 0)} packets/s` : "no figure"} <span class="key">({NAMES[i]})</span> {known?.reasons[reason]}
          </li>
        ))}
      </ul>
    </Part>
  );
}
