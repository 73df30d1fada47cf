// SPDX-License-Identifier: BSD-3-Clause
// A zone's rate, tried in shadow before it holds anything back. The dam itself ends a try after a minute
// (confirm_within), also where the browser has gone; what it has shown stays here until somebody chooses.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Changed, send, type Versions, type Zone } from "./api";
import { type Action, Problems, short, useAction } from "./parts";

const KEYS = ["packets", "connections", "concurrent", "bytes_up", "bytes_down"];
const TRIAL_S = 60;
const STEPS = 40; // each side of the middle: a hundredth to a hundred times

// "50r/s burst=100" → 50, "r/s", " burst=100"
function split(text: string, key: string) {
  const found = /^([\d.]+)([A-Za-z]*\/[smh])(.*)$/.exec(text);
  if (found) return { number: Number(found[1]), unit: found[2] ?? "", rest: found[3] ?? "" };
  return key.includes("bytes") ? { number: 10, unit: "MB/s", rest: "" } : { number: 100, unit: "r/s", rest: "" };
}

function scaled(text: string, key: string, step: number) {
  const factor = 10 ** (step / (STEPS / 2));
  if (key.endsWith("concurrent")) return String(Math.max(1, Math.round(Number((Number(text === "none" ? 100 : text) * factor).toPrecision(2)))));
  const { number, unit, rest } = split(text, key);
  return `${Math.max(Number((number * factor).toPrecision(2)), 0.01)}${unit}${rest}`;
}

function limitOf(zone: Zone, key: string): string {
  const [scope, name] = key.split(".") as ["per_source" | "total", string];
  return zone[scope][name] ?? "none";
}

interface ChoiceProps {
  zone: Zone;
  limit: string;
  choose: (limit: string) => void;
  step: number;
  move: (step: number) => void;
  before: string;
  wanted: string;
  children: ComponentChildren;
}

function Choice({ zone, limit, choose, step, move, before, wanted, children }: ChoiceProps) {
  const id = `slider-${zone.name}`;
  return (
    <details>
      <summary>Change a rate</summary>
      <label for={`${id}-key`}>Limit</label>
      <select id={`${id}-key`} value={limit} onChange={(event) => choose(event.currentTarget.value)}>
        {["per_source", "total"].flatMap((scope) => KEYS.map((one) => <option>{`${scope}.${one}`}</option>))}
      </select>
      <label for={id}>
        Rate: {before} → <output for={id}>{wanted}</output>
      </label>
      <input
        id={id}
        type="range"
        min={-STEPS}
        max={STEPS}
        value={step}
        aria-valuetext={wanted}
        onInput={(event) => move(Number(event.currentTarget.value))}
      />
      <p class="key">
        Tried for {TRIAL_S} s in shadow, in which this zone's limits hold nothing back: they only count what they would.
      </p>
      {children}
    </details>
  );
}

interface Trial {
  key: string;
  wanted: string;
  version: number; // that the dam made of it
  began: number; // Unix time by the browser's clock, s: the dam's may be another
}

interface Props {
  zone: Zone;
  shadow: number; // packets/s; NaN: not known
  versions?: Versions;
  again: () => unknown;
}

// Seconds until that Unix time by the browser's clock, counted down.
function useLeft(deadline: number) {
  const [now, setNow] = useState(Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.round(deadline - now));
}

interface TrialProps extends Props {
  trial: Trial;
  act: Action;
  path: string;
  done: () => void;
}

// Somebody may have kept it as it is: in shadow, for good.
type State = "lasts" | "kept" | "over";

function stateOf(trial: Trial, versions?: Versions): State {
  if (versions?.unconfirmed?.version === trial.version) return "lasts";
  return versions?.running === trial.version ? "kept" : "over";
}

function Told({ zone, trial, state, changed }: { zone: Zone; trial: Trial; state: State; changed: boolean }) {
  const what = `${trial.key} ${trial.wanted}`;
  const mode = <strong>{zone.mode === "enforce" ? "enforced" : "in shadow"}</strong>;
  if (state === "lasts") return <p role="status">□ {what} is on trial in shadow: <strong>nothing is held back</strong> by this zone's limits now.</p>;
  if (state === "kept") return <p role="status">□ {what} is kept, in shadow: <strong>nothing is held back</strong> by this zone's limits.</p>;
  if (changed) return <p role="status">{zone.mode === "enforce" ? "■" : "□"} {what} was kept in shadow; another version runs now, {mode}.</p>;
  return <p role="status">{zone.mode === "enforce" ? "■" : "□"} The trial of {what} is over: what ran before runs again, {mode}.</p>;
}

function Tried({ zone, trial, shadow, versions, act, path, done }: TrialProps) {
  const { busy, run } = act;
  const most = useRef(0); // packets/s that it would have refused
  const kept = useRef(false);
  const state = stateOf(trial, versions);
  const lasts = state === "lasts";
  if (lasts) most.current = Math.max(most.current, shadow || 0);
  if (state === "kept") kept.current = true;
  const left = useLeft(trial.began + TRIAL_S);
  // What ran before comes first: in between nothing is open. Each step is for the version that is seen here.
  const end = (enforce: boolean) =>
    run(async () => {
      let back: Changed | undefined;
      if (lasts) back = await send<Changed>("POST", `/v1/policy/rollback?to=${versions?.unconfirmed?.back_to}`, undefined, trial.version);
      if (enforce) back = await send<Changed>("PATCH", path, { [trial.key]: trial.wanted, mode: "enforce" }, back?.version ?? versions?.running);
      done();
      return back;
    });
  return (
    <div class="trial" data-trial={state}>
      <Told zone={zone} trial={trial} state={state} changed={kept.current} />
      <p>
        {lasts ? `It would refuse ${short(shadow)} packets/s now, at most ` : "It would have refused at most "}
        <strong data-would={most.current.toFixed(1)}>{short(most.current)}</strong> packets/s.{" "}
        {lasts ? `What ran before comes back by itself in ${left} s.` : ""}
      </p>
      <button type="button" aria-disabled={busy} onClick={() => end(true)}>
        Enforce
      </button>{" "}
      <button type="button" aria-disabled={busy} onClick={() => end(false)}>
        {lasts ? "Put back" : "Leave it so"}
      </button>
    </div>
  );
}

export function Slider(props: Props) {
  const { zone, again } = props;
  const [key, setKey] = useState("per_source.packets");
  const [step, setStep] = useState(0);
  const [trial, setTrial] = useState<Trial>();
  const act = useAction(again);
  const { busy, problems, notices, run } = act;
  const place = useRef<HTMLDivElement>(null);
  const before = limitOf(zone, key);
  const wanted = scaled(before, key, step);
  const path = `/v1/zones/${encodeURIComponent(zone.name)}`;
  const tryIt = () =>
    run(async () => {
      const began = Date.now() / 1000;
      const made = await send<Changed>("PATCH", `${path}?confirm_within=${TRIAL_S}s`, { [key]: wanted, mode: "shadow" });
      await again();
      setTrial({ key, wanted, version: made.version, began });
      place.current?.focus();
      return made;
    });
  const done = () => {
    setTrial(undefined);
    setStep(0);
    place.current?.focus();
  };
  return (
    <div ref={place} tabIndex={-1} class="slider" role="group" aria-label={`Rates of ${zone.name}`}>
      {trial ? (
        <Tried {...props} trial={trial} act={act} path={path} done={done} />
      ) : (
        <Choice zone={zone} limit={key} choose={setKey} step={step} move={setStep} before={before} wanted={wanted}>
          <button type="button" aria-disabled={busy} onClick={tryIt}>
            Try in shadow
          </button>
        </Choice>
      )}
      <Problems list={problems} notices={notices} />
    </div>
  );
}
