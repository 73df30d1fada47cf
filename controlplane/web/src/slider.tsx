// SPDX-License-Identifier: BSD-3-Clause
// A zone's rate, tried in shadow before it holds anything back. The dam itself ends a try after a minute
// (confirm_within), also where the browser has gone; what it has shown stays here until somebody chooses.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { send, type Versions, type Zone } from "./api";
import { Problems, short, useAction } from "./parts";

const KEYS = ["packets", "connections", "bytes_up", "bytes_down"];
const STEPS = 40; // each side of the middle: a hundredth to a hundred times

// "50r/s burst=100" → 50, "r/s", " burst=100"
function split(text: string, key: string) {
  const found = /^([\d.]+)([A-Za-z]*\/[smh])(.*)$/.exec(text);
  if (found) return { number: Number(found[1]), unit: found[2] ?? "", rest: found[3] ?? "" };
  return key.includes("bytes") ? { number: 10, unit: "MB/s", rest: "" } : { number: 100, unit: "r/s", rest: "" };
}

function scaled(text: string, key: string, step: number) {
  const { number, unit, rest } = split(text, key);
  const value = Number((number * 10 ** (step / (STEPS / 2))).toPrecision(2));
  return `${Math.max(value, 0.01)}${unit}${rest}`;
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
        Tried for 60 s in shadow, in which this zone's limits hold nothing back: they only count what they would.
      </p>
      {children}
    </details>
  );
}

interface Trial {
  key: string;
  wanted: string;
  version: number; // that the dam made of it
}

interface Props {
  zone: Zone;
  shadow: number;
  unconfirmed: Versions["unconfirmed"];
  again: () => unknown;
}

// Seconds until that Unix time, counted down.
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
  path: string;
  done: () => void;
}

function Tried({ zone, trial, shadow, unconfirmed, path, again, done }: TrialProps) {
  const { busy, problems, run } = useAction(again);
  const most = useRef(0); // packets/s that it would have refused
  const lasts = unconfirmed?.version === trial.version;
  if (lasts) most.current = Math.max(most.current, shadow);
  const left = useLeft(unconfirmed?.deadline ?? 0);
  // What ran before comes first: in between nothing is open.
  const end = (enforce: boolean) =>
    run(async () => {
      if (lasts) await send("POST", `/v1/policy/rollback?to=${unconfirmed.back_to}`);
      if (enforce) await send("PATCH", path, { [trial.key]: trial.wanted, mode: "enforce" });
      done();
    });
  return (
    <div class="trial" data-trial={lasts ? "lasts" : "over"}>
      <p role="status">
        {lasts ? (
          <>
            □ {trial.key} {trial.wanted} is on trial in shadow: <strong>nothing is held back</strong> by this zone's limits now.
          </>
        ) : (
          <>
            ■ The trial of {trial.key} {trial.wanted} is over: what ran before runs again, <strong>{zone.mode === "enforce" ? "enforced" : "in shadow"}</strong>.
          </>
        )}
      </p>
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
      <Problems list={problems} />
    </div>
  );
}

export function Slider(props: Props) {
  const { zone, again } = props;
  const [key, setKey] = useState("per_source.packets");
  const [step, setStep] = useState(0);
  const [trial, setTrial] = useState<Trial>();
  const { busy, problems, run } = useAction(() => undefined);
  const place = useRef<HTMLDivElement>(null);
  const before = limitOf(zone, key);
  const wanted = scaled(before, key, step);
  const path = `/v1/zones/${encodeURIComponent(zone.name)}`;
  const tryIt = () =>
    run(async () => {
      const { version } = await send<{ version: number }>("PATCH", `${path}?confirm_within=60s`, { [key]: wanted, mode: "shadow" });
      await again();
      setTrial({ key, wanted, version });
      place.current?.focus();
    });
  const done = () => {
    setTrial(undefined);
    setStep(0);
    place.current?.focus();
  };
  return (
    <div ref={place} tabIndex={-1} class="slider" role="group" aria-label={`Rates of ${zone.name}`}>
      {trial ? (
        <Tried {...props} trial={trial} path={path} done={done} />
      ) : (
        <Choice zone={zone} limit={key} choose={setKey} step={step} move={setStep} before={before} wanted={wanted}>
          <button type="button" aria-disabled={busy} onClick={tryIt}>
            Try in shadow
          </button>
          <Problems list={problems} />
        </Choice>
      )}
    </div>
  );
}
