// SPDX-License-Identifier: BSD-3-Clause
// The sources and fingerprints with the most, and why a source is let in or not.
import { useState } from "preact/hooks";
import { type Explanation, get, type Similar, type Top } from "./api";
import { bytes, Dialog, Part, Problems, short, Table, useAction, usePoll } from "./parts";

const kShownShares = 3;

function Alike({ of }: { of: Similar }) {
  return (
    <div data-alike={of.source}>
      <h4>Behave alike</h4>
      {of.similar.length === 0 ? <p>Nobody is within {of.within} % of it.</p> : null}
      <ul>
        {of.similar.map((one) => (
          <li key={one.source}>
            {one.source}, {one.distance} % apart
            {one.share.slice(0, kShownShares).map((feature) => `; ${feature.feature} ${feature.value}`)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Explained({ one, alike, close }: { one: Explanation; alike: Similar | undefined; close: () => void }) {
  return (
    <Dialog title={`Source ${one.address}`} close={close}>
      <div data-explained={one.address}>
        <p>{one.verdict}</p>
        <p>
          Let in: {one.let_in}. {short(one.connections)} connections open.
        </p>
        {one.drops.length > 0 ? <h4>Refused of late</h4> : null}
        <ul>
          {one.drops.map((drop) => (
            <li>
              {short(drop.count)} × {drop.reason} in {drop.zone}, the last {short(drop.ago_ms / 1000)} s ago: {drop.text}
            </li>
          ))}
        </ul>
        {one.zones.map((zone) => (
          <p>
            Zone {zone.zone} ({zone.mode}): {short(zone.violations)} violations
            {zone.buckets.map((bucket) => `; ${bucket.bucket} ${bucket.used_percent.toFixed(0)} % used`)}
          </p>
        ))}
        {alike ? <Alike of={alike} /> : null}
      </div>
    </Dialog>
  );
}

export function Sources() {
  const [by, setBy] = useState("packets");
  const top = usePoll<Top>(`/v1/top?by=${by}&count=10`, 3);
  const shownBy = top.value?.by ?? by; // the answer to a new question is still to come
  const [shown, show] = useState<Explanation>();
  const { busy, problems, run } = useAction(() => undefined);
  const [alike, showAlike] = useState<{ of: string; similar: Similar }>();
  const explain = (client: string) =>
    run(async () => {
      const address = encodeURIComponent(client.split("/")[0] ?? "");
      const one = await get<Explanation>(`/v1/explain/${address}`);
      show(one);
      // Many dams keep no behaviour, and viewers may not ask for it: then nothing is said.
      void get<Similar>(`/v1/similar/${address}?count=5`).then((similar) => showAlike({ of: one.address, similar }), () => undefined);
    });
  return (
    <Part id="sources" title="Top sources and kinds of clients" of={[top]}>
      <label for="top-by">Most</label>
      <select id="top-by" value={by} onChange={(event) => setBy(event.currentTarget.value)}>
        {["packets", "bytes", "connections", "violations", "fingerprints"].map((one) => (
          <option>{one}</option>
        ))}
      </select>
      <Problems list={[...top.problems, ...problems]} />
      <Table label="Top sources" head={["source", `${shownBy}/s`, "why"]} empty={top.value?.sources.length === 0 && "Nobody did in the last seconds."}>
        {(top.value?.sources ?? []).map(({ client, ja4, per_second }) => (
          <tr key={client ?? ja4} data-source={client ?? ja4}>
            <th scope="row">{client ?? ja4}</th>
            <td>{shownBy === "bytes" ? bytes(per_second) : short(per_second)}</td>
            <td>
              {client === undefined ? (
                "a kind of client"
              ) : (
                <button type="button" aria-disabled={busy} aria-label={`Explain ${client}`} onClick={() => explain(client)}>
                  Explain
                </button>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {shown ? <Explained one={shown} alike={alike?.of === shown.address ? alike.similar : undefined} close={() => show(undefined)} /> : null}
    </Part>
  );
}
