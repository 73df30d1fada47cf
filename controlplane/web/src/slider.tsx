// SPDX-License-Identifier: BSD-3-Clause
// A zone's rate, tried in shadow before it holds anything back. An admin's try ends by itself after a
// minute (confirm_within); operators may not confirm, so theirs stays until they choose.
import { useState } from "preact/hooks";
import { get, type Role, send, type Versions, type Zone } from "./api";
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

interface Trial {
  key: string;
  before: string;
  mode: Zone["mode"];
  wanted: string;
  version: number; // of what ran before
}

interface Props {
  zone: Zone;
  shadow: number;
  role: Role;
  unconfirmed: number;
  again: () => unknown;
}

export function Slider({ zone, shadow, role, unconfirmed, again }: Props) {
  const [key, setKey] = useState("per_source.packets");
  const [step, setStep] = useState(0);
  const [trial, setTrial] = useState<Trial>();
  const { busy, problems, run } = useAction(again);
  const before = limitOf(zone, key);
  const wanted = scaled(before, key, step);
  const path = `/v1/zones/${encodeURIComponent(zone.name)}`;
  const guarded = role === "admin";

  const tryIt = () =>
    run(async () => {
      const { running } = await get<Versions>("/v1/policy/versions?count=1");
      await send("PATCH", path + (guarded ? "?confirm_within=60s" : ""), { [key]: wanted, mode: "shadow" });
      setTrial({ key, before, mode: zone.mode, wanted, version: running });
    });
  // What ran before comes first: in between nothing is open.
  const undo = async (tried: Trial) => {
    if (guarded && unconfirmed > 0) return send("POST", `/v1/policy/rollback?to=${tried.version}`);
    return send("PATCH", path, { [tried.key]: tried.before, mode: tried.mode });
  };
  const end = (enforce: boolean) =>
    trial &&
    run(async () => {
      if (!enforce || guarded) await undo(trial);
      if (enforce) await send("PATCH", path, { [trial.key]: trial.wanted, mode: "enforce" });
      setTrial(undefined);
      setStep(0);
    });

  const id = `slider-${zone.name}`;
  if (trial) {
    return (
      <div class="trial">
        <p role="status">
          {trial.key} {trial.wanted} is on trial in shadow: <strong>nothing is held back</strong> by this zone's limits
          now. It would refuse <strong>{short(shadow)}</strong> packets/s.{" "}
          {guarded ? "After 60 s what ran before comes back by itself." : "It stays so until you choose."}
        </p>
        <button type="button" disabled={busy} onClick={() => end(true)}>
          Enforce
        </button>{" "}
        <button type="button" disabled={busy} onClick={() => end(false)}>
          Put back
        </button>
        <Problems list={problems} />
      </div>
    );
  }
  return (
    <details>
      <summary>Change a rate</summary>
      <label for={`${id}-key`}>Limit</label>
      <select id={`${id}-key`} value={key} onChange={(event) => setKey(event.currentTarget.value)}>
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
        onInput={(event) => setStep(Number(event.currentTarget.value))}
      />
      <p class="key">In shadow this zone's limits hold nothing back: they only count what they would.</p>
      <button type="button" disabled={busy} onClick={tryIt}>
        Try in shadow
      </button>
      <Problems list={problems} />
    </details>
  );
}
