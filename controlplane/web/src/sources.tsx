// SPDX-License-Identifier: BSD-3-Clause
// The sources with the most, and why one of them is let in or not.
import { useState } from "preact/hooks";
import { type Explanation, get, type Top } from "./api";
import { Part, Problems, short, Table, useAction, usePoll } from "./parts";

function Explained({ one, close }: { one: Explanation; close: () => void }) {
  return (
    <div class="explained" role="status" data-explained={one.address}>
      <h3>{one.address}</h3>
      <p>{one.verdict}</p>
      <p>
        Let in: {one.let_in}. {short(one.connections)} connections open.
      </p>
      <ul>
        {one.drops.map((drop) => (
          <li>
            {short(drop.count)} × {drop.reason} in {drop.zone}, the last {short(drop.ago_ms / 1000)} s ago: {drop.text}
          </li>
        ))}
      </ul>
      <button type="button" onClick={close}>
        Close
      </button>
    </div>
  );
}

export function Sources() {
  const [by, setBy] = useState("packets");
  const top = usePoll<Top>(`/v1/top?by=${by}&count=10`, 3);
  const [shown, show] = useState<Explanation>();
  const { busy, problems, run } = useAction(() => undefined);
  const explain = (client: string) =>
    run(async () => show(await get<Explanation>(`/v1/explain/${encodeURIComponent(client.split("/")[0] ?? "")}`)));
  return (
    <Part id="sources" title="Top sources">
      <label for="top-by">Most</label>
      <select id="top-by" value={by} onChange={(event) => setBy(event.currentTarget.value)}>
        {["packets", "bytes", "connections", "violations"].map((one) => (
          <option>{one}</option>
        ))}
      </select>
      <Problems list={[...top.problems, ...problems]} />
      <Table label="Top sources" head={["source", `${by}/s`, "why"]}>
        {(top.value?.sources ?? []).map((one) => (
          <tr key={one.client} data-source={one.client}>
            <th scope="row">{one.client}</th>
            <td>{short(one.per_second)}</td>
            <td>
              <button type="button" disabled={busy} aria-label={`Explain ${one.client}`} onClick={() => explain(one.client)}>
                Explain
              </button>
            </td>
          </tr>
        ))}
      </Table>
      {shown ? <Explained one={shown} close={() => show(undefined)} /> : null}
    </Part>
  );
}
