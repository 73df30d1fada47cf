// SPDX-License-Identifier: BSD-3-Clause
// Zones as water against their dams: left what comes, right what passes, between them the dam.
import type { Versions, Who, Zone } from "./api";
import type { Flow, ZoneFlow } from "./flow";
import { bytes, Part, short } from "./parts";
import { Slider } from "./slider";

const HEIGHT = 80; // of the picture's 100
const FRONT = "front"; // what is refused before a zone is known

const NONE_YET: ZoneFlow = { passed: Number.NaN, held: Number.NaN, bytes: Number.NaN, shadow: Number.NaN }; // before the first rate

function Tank({ name, flow, most }: { name: string; flow?: ZoneFlow; most: number }) {
  if (!flow) return <svg viewBox="0 0 200 100" role="img" aria-label={`${name}: not known yet`} class="tank" />;
  const scale = Math.max(most, 1);
  const came = Math.min(HEIGHT, ((flow.passed + flow.held) / scale) * HEIGHT);
  const passed = Math.min(HEIGHT, (flow.passed / scale) * HEIGHT);
  const text = `${name}: ${short(flow.passed + flow.held)} packets a second come, ${short(flow.passed)} pass`;
  return (
    <svg viewBox="0 0 200 100" preserveAspectRatio="none" role="img" aria-label={text} class="tank">
      <rect class="water" x="0" y={96 - came} width="94" height={came + 4} />
      <rect class="passed" x="106" y={96 - passed} width="94" height={passed + 4} />
      <path class="dam" d="M92 100 L96 8 L104 8 L110 100 Z" />
    </svg>
  );
}

function Mode({ zone, held }: { zone: Zone; held: number }) {
  if (zone.mode === "enforce") return <p class="mode">■ enforced{held >= 1 ? <strong class="bad"> ▲ holding back</strong> : null}</p>;
  return <p class="mode warn">□ shadow: nothing is held back by this zone's limits</p>;
}

interface LevelsProps {
  flow: Flow;
  zones: { oldSince: number };
  who: Who;
  away: boolean; // no dataplane: no figures
  versions?: Versions;
  again: () => unknown;
}

function Figures({ zone, now = NONE_YET }: { zone: Zone; now?: ZoneFlow }) {
  const said = (value: number) => (value >= 0 ? value.toFixed(1) : undefined);
  return (
    <dl>
      <dt>passed</dt>
      <dd>
        <span>{short(now.passed)} packets/s,</span> <span>{bytes(now.bytes)}/s</span>
      </dd>
      <dt>held back</dt>
      <dd>
        <strong data-held={said(now.held)}>{short(now.held)}</strong> packets/s
      </dd>
      {zone.mode === "shadow" ? (
        <>
          <dt>would be refused</dt>
          <dd data-shadow={said(now.shadow)}>{short(now.shadow)} packets/s</dd>
        </>
      ) : null}
      <dt>connections</dt>
      <dd>{short(zone.counters?.connections_open ?? Number.NaN)} open</dd>
    </dl>
  );
}

function Level({ zone, ...props }: LevelsProps & { zone: Zone }) {
  const { flow, who, away } = props;
  const now = away ? undefined : flow.zones[zone.name];
  const held = now?.held ?? 0;
  return (
    <li class={held >= 1 ? "card holding" : "card"} data-zone={zone.name}>
      <h3>
        {zone.name}
        {zone.management ? <span class="key"> the way to management</span> : null}
        {zone.name === FRONT ? <span class="key"> before any zone is known</span> : null}
      </h3>
      {away ? <p class="mode warn">? no figures: the dataplane is away</p> : <Tank name={zone.name} flow={now} most={flow.most[zone.name] ?? 0} />}
      <Mode zone={zone} held={held} />
      {away ? null : <Figures zone={zone} now={now} />}
      {who.role === "viewer" || zone.name === FRONT ? null : <Slider zone={zone} shadow={now?.shadow ?? Number.NaN} {...props} />}
    </li>
  );
}

export function Levels(props: LevelsProps) {
  return (
    <Part id="zones" title="Zones" of={[props.zones]}>
      <p class="key">Left of each dam: what comes. Right of it: what passes.</p>
      <ul class="cards">
        {(props.flow.last?.zones ?? []).map((zone) => (
          <Level key={zone.name} zone={zone} {...props} />
        ))}
      </ul>
    </Part>
  );
}
